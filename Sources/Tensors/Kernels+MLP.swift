/// A root-mean-square norm before a layer; see `RowKernels.rmsNorm`.
package struct MLPNorm {
  package var weight: Tensor
  package var epsilon: Float
  /// The roots' inverses, [rows], which the forward pass writes.
  package var scale: Tensor

  package init(weight: Tensor, epsilon: Float, scale: Tensor) {
    self.weight = weight
    self.epsilon = epsilon
    self.scale = scale
  }
}

/// A layer of two linear maps with a Gaussian error linear unit between them,
/// y = gelu(x up + upBias) down + downBias.
package struct MLP {
  /// What x goes through before the maps; nil for nothing.
  package var norm: MLPNorm?
  /// Whether x, as it is, is added to the result.
  package var isAdded = false
  /// The rows, [rows, width].
  package var x: Tensor
  /// The first map, [width, hidden].
  package var up: Tensor
  /// What is added before the function, [hidden].
  package var upBias: Tensor
  /// The second map, [hidden, width].
  package var down: Tensor
  /// What is added in the end, [width].
  package var downBias: Tensor

  package init(x: Tensor, up: Tensor, upBias: Tensor, down: Tensor, downBias: Tensor) {
    self.x = x
    self.up = up
    self.upBias = upBias
    self.down = down
    self.downBias = downBias
  }

  package var width: Int { down.columns }
  package var hidden: Int { up.columns }
  package var rows: Int { x.rows }
}

/// Where the gradients of such a layer go.
package struct MLPGradients {
  package var x: GradientTarget
  package var up: GradientTarget
  package var upBias: GradientTarget
  package var down: GradientTarget
  package var downBias: GradientTarget
  /// Of the norm's weight, which is added to, where the gradient of x goes through the norm and around
  /// the layer in the same kernel; nil for one behind the norm.
  package var norm: Tensor?

  package init(
    x: GradientTarget, up: GradientTarget, upBias: GradientTarget, down: GradientTarget,
    downBias: GradientTarget
  ) {
    self.x = x
    self.up = up
    self.upBias = upBias
    self.down = down
    self.downBias = downBias
  }
}
