/// The hyper-parameters of one optimiser step.
package struct AdamWStep {
  package var learningRate: Float
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var weightDecay: Float
  /// The corrections of the moments' bias, 1 - beta1^t and 1 - beta2^t.
  package var correction1: Float
  package var correction2: Float
  /// The largest gradient norm; 0 for no clipping.
  package var clip: Float

  package init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float,
    correction1: Float, correction2: Float, clip: Float
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.correction1 = correction1
    self.correction2 = correction2
    self.clip = clip
  }

  /// How many numbers these are.
  package static let count = 8

  /// The numbers in the order in which kernels read them, that of `hk_adamw`.
  package var values: [Float] {
    [learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, clip]
  }
}

package protocol OptimizerKernels {
  /// norm[0] = the Euclidean norm of all gradients, left on the device.
  func gradientNorm(_ gradients: Tensor, into norm: Tensor)
  /// One step of AdamW over all parameters at once; the first `decayed` of them get weight decay.
  ///
  /// `step`, [8], holds the `values` of an `AdamWStep`: on the device, so that a replayed step can
  /// change them. `norm`, [1], is read where the step clips. `clearing`: the gradients become 0 in
  /// the same pass.
  func adamW(
    _ step: Tensor, decayed: Int, norm: Tensor, parameters: Tensor, gradients: Tensor,
    first: Tensor, second: Tensor, clearing: Bool)
}
