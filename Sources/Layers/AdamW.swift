package import Configuration
package import Tensors

/// AdamW with decoupled weight decay and clipping by the global norm (arXiv 1711.05101), over all
/// parameters in one launch.
package final class AdamW {
  package private(set) var stepCount = 0
  private let configuration: TrainingConfiguration
  private let arena: ParameterArena
  private let backend: any Backend
  /// The running means of the gradients and of their squares.
  package let first: Tensor
  package let second: Tensor
  private let norm: Tensor
  private let scalars: Tensor

  package init(
    _ configuration: TrainingConfiguration, _ arena: ParameterArena, on backend: any Backend
  ) {
    self.configuration = configuration
    self.arena = arena
    self.backend = backend
    first = backend.zeros(arena.values.shape)
    second = backend.zeros(arena.values.shape)
    norm = backend.zeros([1])
    scalars = backend.zeros([AdamWStep.count])
  }

  /// One step with the gradients that the arena holds, which are cleared.
  ///
  /// - Returns: The learning rate that was used.
  @discardableResult
  package func step() -> Double {
    let step = advance()
    step.values.withUnsafeBufferPointer { backend.upload($0, to: scalars) }
    apply(scalars)
    return step.rate
  }

  /// The next step's scalars, which are all that changes from one step to the next: work that holds
  /// `apply` may be recorded once and replayed each time that other ones are in its memory.
  package func advance() -> PreparedStep {
    let rate = configuration.learningRate(atStep: stepCount)
    stepCount += 1
    let t = Double(stepCount)
    let step = AdamWStep(
      learningRate: Float(rate), beta1: Float(configuration.beta1),
      beta2: Float(configuration.beta2), epsilon: Float(configuration.epsilon),
      weightDecay: Float(configuration.weightDecay),
      correction1: Float(1 - power(configuration.beta1, t)),
      correction2: Float(1 - power(configuration.beta2, t)), clip: Float(configuration.clip))
    return PreparedStep(rate: rate, values: step.values)
  }

  /// What a step does beside the gradients.
  package struct PreparedStep {
    /// The learning rate.
    package let rate: Double
    /// The scalars as kernels read them, `AdamWStep.values`.
    package let values: [Float]
  }

  /// Takes up the count of steps of a run whose moments were put into `first` and `second`.
  package func resume(atStep step: Int) { stepCount = step }

  /// Queues a step with the gradients that the arena holds, and clears them.
  ///
  /// - Parameter scalars: [8], the values of a prepared step.
  package func apply(_ scalars: Tensor) {
    if configuration.clip > 0 { backend.gradientNorm(arena.gradients, into: norm) }
    backend.adamW(
      scalars, decayed: arena.decayed, norm: norm, parameters: arena.values,
      gradients: arena.gradients, first: first, second: second, clearing: true)
  }
}

/// base^exponent for a whole exponent, by repeated squaring: the same bits on every machine.
package func power(_ base: Double, _ exponent: Double) -> Double {
  var result = 1.0
  var factor = base
  var rest = Int(exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= factor }
    factor *= factor
    rest >>= 1
  }
  return result
}
