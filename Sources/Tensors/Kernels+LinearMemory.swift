/// What the answers of a linear memory are divided by; see `hk_normaliser` in `CKernels.h`.
package struct NormaliserShape {
  package var batch: Int
  package var length: Int
  package var heads: Int
  package var dim: Int
  package var scale: Float
  package var epsilon: Float

  package init(
    batch: Int, length: Int, heads: Int, dim: Int, scale: Float, epsilon: Float
  ) {
    self.batch = batch
    self.length = length
    self.heads = heads
    self.dim = dim
    self.scale = scale
    self.epsilon = epsilon
  }
}

/// The inputs of a normaliser.
package struct NormaliserInputs {
  /// Queries, [batch, length, heads, dim].
  package var q: Tensor
  /// Keys, [batch, length, heads, dim].
  package var k: Tensor
  /// Factors, [batch, length, heads]; nil where nothing decays.
  package var decay: Tensor?
  /// m, [batch, length, heads]; nil for the divisor as it is.
  ///
  /// The divisor's size is at least e^-m.
  package var stabiliser: Tensor?
  /// The state before the first token, [batch, heads, dim]; nil for zeros.
  package var initial: Tensor?

  package init(q: Tensor, k: Tensor, decay: Tensor?, stabiliser: Tensor?, initial: Tensor?) {
    self.q = q
    self.k = k
    self.decay = decay
    self.stabiliser = stabiliser
    self.initial = initial
  }
}

/// Where the gradients of a normaliser go whose keys are weighed by a strength.
package struct WeighedNormaliserGradients {
  package var q: GradientTarget
  /// Of the keys before they are weighed.
  package var k: GradientTarget
  package var strength: GradientTarget
  package var decay: GradientTarget

  package init(
    q: GradientTarget, k: GradientTarget, strength: GradientTarget, decay: GradientTarget
  ) {
    self.q = q
    self.k = k
    self.strength = strength
    self.decay = decay
  }
}

/// What linear memories need around the matrix-state scan.
package protocol LinearMemoryKernels {
  /// The mLSTM's gates, [batch, length, 2, heads], as factors [batch, length, heads] that cannot
  /// overflow; `stabiliser` is the log of what they were divided by, `final` its last row.
  func stabilisedGates(
    _ gates: Tensor, initial: Tensor?, decay: Tensor, strength: Tensor, stabiliser: Tensor,
    final: Tensor?)
  /// With the stabiliser as a constant.
  func stabilisedGatesBackward(
    _ gates: Tensor, decay: Tensor, strength: Tensor, dDecay: Tensor, dStrength: Tensor,
    dGates: Tensor)

  /// One over the divisor, [batch, length, heads]; `states`, shaped like k, are what the backward
  /// pass needs.
  func normaliser(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, into factor: Tensor, final: Tensor?,
    states: Tensor?)
  func normaliserBackward(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, states: Tensor, dFactor: Tensor,
    dq: Tensor?, dk: Tensor?, dDecay: Tensor?)

  /// y = 1, x / dim^(1/4), x_i x_j / dim^(1/2) for j < i and x_i^2 / (2 dim)^(1/2), for each row.
  func taylorFeatures(_ x: Tensor, into y: Tensor)
  func taylorFeaturesBackward(_ x: Tensor, dy: Tensor, dx: Tensor)
}
