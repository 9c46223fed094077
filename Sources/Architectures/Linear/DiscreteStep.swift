import Autograd
import Configuration
import Layers
import Randomness

/// The data-dependent decay of Mamba-2 and of the gated delta rule: exp(-e^A softplus(W x + b)),
/// one number per head and position (architectures.md part 2, "dt init").
struct DiscreteStep {
  let projection: Linear
  private let bias: Parameter
  private let logRate: Parameter
  private let signed: Bool

  /// Makes the step.
  ///
  /// - Parameters:
  ///   - context: The model around it.
  ///   - heads: Number of heads.
  ///   - rates: The law of the initial rate e^A.
  ///   - initial: The law of the projection's weight.
  ///   - signed: Whether the decay is 2 e^(-...) - 1, in (-1, 1), instead of e^(-...), in (0, 1).
  init(
    _ context: MixerContext, heads: Int, rates: ClosedRange<Float>, initial: Initialiser,
    signed: Bool
  ) {
    let parameters = context.parameters.scoped("step")
    self.signed = signed
    projection = Linear(parameters, context.width, heads, initial: initial)
    bias = parameters.parameter(
      "timeBias", [heads], .drawn(Self.inverseSoftplusOfStep), decays: false)
    logRate = parameters.parameter(
      "logRate", [heads],
      .drawn { random in
        // A rate of exactly 0 would never decay and has no logarithm.
        let rate = rates.lowerBound + (rates.upperBound - rates.lowerBound) * random.uniformFloat()
        return Float(PortableMath.log(Double(max(rate, 1e-3))))
      },
      decays: false)
  }

  /// The step sizes and the decay, both [batch, length, heads].
  func callAsFunction(_ x: Variable) -> (step: Variable, decay: Variable) {
    self(projected: projection(x))
  }

  /// The same from what the projection made of the inputs.
  func callAsFunction(projected: Variable) -> (step: Variable, decay: Variable) {
    let step = projected.addingRow(bias.variable).softplus()
    let rate = logRate.variable.exp().negated()
    let decay = step.multiplyingRow(rate).exp()
    return (step, signed ? decay.affine(scale: 2, shift: -1) : decay)
  }

  /// The inverse of softplus of a step, log-uniform from 0.001 to 0.1 and at least 1e-4.
  static func inverseSoftplusOfStep(_ random: inout RandomSource) -> Float {
    let (low, high) = (PortableMath.log(0.001), PortableMath.log(0.1))
    let step = max(PortableMath.exp(low + (high - low) * random.uniformDouble()), 1e-4)
    return Float(step + PortableMath.log(1 - PortableMath.exp(-step)))
  }
}
