/// Heads of a linear memory with a direct path beside them and a gate over both.
package struct GatedHeads {
  package var function: Elementwise
  /// What is normalised, [tokens, heads, dim], after it was multiplied by the factors.
  package var x: Tensor
  /// What each head of a token is multiplied by, [tokens, heads].
  package var factors: Tensor
  /// Of the norm, [heads x dim].
  package var weight: Tensor
  /// [tokens, heads x dim], with its weights, [heads x dim].
  package var direct: Tensor
  package var skip: Tensor
  /// The argument of the function, [tokens, heads x dim].
  package var gate: Tensor

  package init(
    function: Elementwise, x: Tensor, factors: Tensor, weight: Tensor, direct: Tensor,
    skip: Tensor, gate: Tensor
  ) {
    self.function = function
    self.x = x
    self.factors = factors
    self.weight = weight
    self.direct = direct
    self.skip = skip
    self.gate = gate
  }
}

/// A gradient, and whether it is added to what is there.
package struct GradientTarget {
  package var tensor: Tensor
  package var accumulate: Bool

  package init(tensor: Tensor, accumulate: Bool) {
    self.tensor = tensor
    self.accumulate = accumulate
  }
}

/// Where the gradients of gated heads go; those of parameters are added to.
package struct GatedHeadsGradients {
  package var x: GradientTarget
  package var factors: GradientTarget
  package var direct: GradientTarget
  package var gate: GradientTarget
  package var weight: Tensor
  package var skip: Tensor

  package init(
    x: GradientTarget, factors: GradientTarget, direct: GradientTarget, gate: GradientTarget,
    weight: Tensor, skip: Tensor
  ) {
    self.x = x
    self.factors = factors
    self.direct = direct
    self.gate = gate
    self.weight = weight
    self.skip = skip
  }
}

/// One of several short convolutions that go side by side.
package struct ConvolvedTensor {
  /// What is convolved, [batch, length, channels].
  package var x: Tensor
  /// The filter, [taps, channels].
  package var weight: Tensor
  /// [channels], or nil for none.
  package var bias: Tensor?
  /// Whether the result's heads become vectors of length 1.
  package var isUnit: Bool

  package init(x: Tensor, weight: Tensor, bias: Tensor?, isUnit: Bool = false) {
    self.x = x
    self.weight = weight
    self.bias = bias
    self.isUnit = isUnit
  }
}

/// The gradient of one such result, and where those of its inputs go: dx is overwritten, those of
/// parameters are added to, nil where nobody wants them.
package struct ConvolutionGradients {
  package var dy: Tensor
  package var dx: Tensor
  package var dweight: Tensor?
  package var dbias: Tensor?

  package init(dy: Tensor, dx: Tensor, dweight: Tensor?, dbias: Tensor?) {
    self.dy = dy
    self.dx = dx
    self.dweight = dweight
    self.dbias = dbias
  }
}

/// Chains of operations that a device may have one kernel for, so that what lies between them never
/// comes to memory.
///
/// A device that has none goes through the operations one after the other, as the processor does,
/// whose caches hold what lies between.
package protocol FusedKernels {
  /// y = x (mean of x^2 + epsilon)^(-1/2) weight f(gate), over the last axis of x.
  ///
  /// - Parameters:
  ///   - function: f
  ///   - x: The rows.
  ///   - weight: [columns], or nil for none.
  ///   - gate: As many elements as x.
  ///   - epsilon: Keeps rows of zeros finite.
  ///   - y: Overwritten.
  ///   - scale: [rows], the root's inverse; the backward pass takes it.
  func gatedNorm(
    _ function: Elementwise, _ x: Tensor, weight: Tensor?, gate: Tensor, epsilon: Float,
    into y: Tensor, scale: Tensor)
  /// The gradients of all three; those of x and the gate are written or added to, that of the weight
  /// is added to.
  func gatedNormBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor?, scale: Tensor, gate: Tensor, dy: Tensor,
    dx: Tensor, accumulateX: Bool, dgate: Tensor, accumulateGate: Bool, dweight: Tensor?)

  /// Whether there are kernels for heads of these sizes.
  func fusesHeads(_ heads: Int, dim: Int) -> Bool
  /// y = (layerNorm(x factors) weight + direct skip) f(gate), the norm over each head.
  ///
  /// - Parameters:
  ///   - inputs: What goes in.
  ///   - epsilon: Keeps constant rows finite.
  ///   - y: [tokens, heads x dim], overwritten.
  ///   - mean: [tokens x heads], for the backward pass.
  ///   - scale: The same.
  func gatedHeads(
    _ inputs: GatedHeads, epsilon: Float, into y: Tensor, mean: Tensor, scale: Tensor)
  func gatedHeadsBackward(
    _ inputs: GatedHeads, mean: Tensor, scale: Tensor, dy: Tensor,
    into gradients: GatedHeadsGradients)

  /// Whether there are kernels for convolutions of these channels, with heads of length 1 and of so
  /// many channels.
  func fusesConvolutions(unitHeads dim: Int, channels: [Int]) -> Bool
  /// y = f(sum_j w[j] x[t-j] + bias) for several x of the same batch, length and taps; where `isUnit`
  /// says so, each head of y times (its sum of squares + epsilon)^(-1/2).
  func shortConvolutions(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], unitHeads dim: Int, epsilon: Float,
    into ys: [Tensor])
  func shortConvolutionsBackward(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], unitHeads dim: Int, epsilon: Float,
    _ gradients: [ConvolutionGradients])

  /// y[r,:] = x[index[r],:] + other[index[r],:]; zeros where the index is -1
  func gatherRows(ofSum x: Tensor, _ other: Tensor, at index: IndexTensor, into y: Tensor)

  /// y = sigmoid(x)^exponent
  func sigmoidPower(_ x: Tensor, exponent: Float, into y: Tensor)
  /// dx (+)= exponent y sigmoid(-x) dy
  func sigmoidPowerBackward(
    x: Tensor, y: Tensor, exponent: Float, dy: Tensor, dx: Tensor, accumulate: Bool)
}
