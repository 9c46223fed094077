/// A sum with a direct path, a gate over it, and the norm of its rows after that.
package struct GatedSum {
  package var function: Elementwise
  /// Rows of columns.
  package var x: Tensor
  /// As x, with its weights, [columns].
  package var direct: Tensor
  package var skip: Tensor
  /// The argument of the function, as x.
  package var gate: Tensor
  /// Of the norm, [columns].
  package var weight: Tensor

  package init(
    function: Elementwise, x: Tensor, direct: Tensor, skip: Tensor, gate: Tensor, weight: Tensor
  ) {
    self.function = function
    self.x = x
    self.direct = direct
    self.skip = skip
    self.gate = gate
    self.weight = weight
  }
}

/// Where the gradients of a gated sum go; those of parameters are added to.
package struct GatedSumGradients {
  package var x: GradientTarget
  package var direct: GradientTarget
  package var gate: GradientTarget
  package var weight: Tensor
  package var skip: Tensor

  package init(
    x: GradientTarget, direct: GradientTarget, gate: GradientTarget, weight: Tensor, skip: Tensor
  ) {
    self.x = x
    self.direct = direct
    self.gate = gate
    self.weight = weight
    self.skip = skip
  }
}
