/// sigmoid(x W + bias)^exponent, for products of few terms.
package struct LowRankPower {
  package var x: Tensor
  package var weight: Tensor
  package var bias: Tensor
  package var exponent: Float

  package init(x: Tensor, weight: Tensor, bias: Tensor, exponent: Float) {
    self.x = x
    self.weight = weight
    self.bias = bias
    self.exponent = exponent
  }
}
