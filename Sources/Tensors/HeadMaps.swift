/// Four block-diagonal maps side by side, two of each of two inputs, and a bias.
package struct HeadMaps {
  /// What the first two maps take, [rows, heads x dim].
  package var x: Tensor
  /// What the last two take, as x.
  package var z: Tensor
  /// Of each map, [heads, dim, dim].
  package var weights: [Tensor]
  /// Of all results, [4 heads x dim].
  package var bias: Tensor

  package init(x: Tensor, z: Tensor, weights: [Tensor], bias: Tensor) {
    self.x = x
    self.z = z
    self.weights = weights
    self.bias = bias
  }
}

/// Where the gradients of head maps go; those of parameters are added to.
package struct HeadMapsGradients {
  package var x: GradientTarget
  package var z: GradientTarget
  package var weights: [Tensor]
  package var bias: Tensor

  package init(x: GradientTarget, z: GradientTarget, weights: [Tensor], bias: Tensor) {
    self.x = x
    self.z = z
    self.weights = weights
    self.bias = bias
  }
}
