public import Autograd
public import Configuration
import Layers
import Tensors

/// A gated short convolution, the simplest of the convolutional mixers (architectures.md 3.5).
public struct BaseConvolution: SequenceMixer {
  public static let info = MixerInfo(
    name: "base-conv", summary: "gated short convolution",
    recurrence: "y = (conv(x) + b) * (W x + b_w) + x",
    paper: "Arora et al. 2023, arXiv 2312.04927",
    settings: [
      Setting("kernel", .integer(1...8), default: .integer(3), "taps of the causal convolution")
    ],
    eigenvalues: { _ in "{0}" }, stateTracking: { _ in .none })

  private let taps: Parameter
  private let bias: Parameter
  private let gate: Linear

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    let kernel = settings.integer("kernel")
    let bound = 1 / Float(kernel).squareRoot()
    let parameters = context.parameters
    taps = parameters.parameter(
      "convolution", [kernel, context.width], .uniform(-bound...bound))
    bias = parameters.parameter("convolutionBias", [context.width], .zeros, decays: false)
    gate = Linear(
      parameters.scoped("gate"), context.width, context.width, bias: true,
      initial: context.initial)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    if state == nil, let gateBias = gate.bias {
      return x.gatedConvolution(
        weight: taps.variable, bias: bias.variable, gateWeight: gate.weight.variable,
        gateBias: gateBias.variable)
    }
    let y = x.shortConvolution(
      taps.variable, bias: bias.variable, activation: .identity, name: "input", carrying: state)
    return y * gate(x) + x
  }

  public func stateSize(length: Int) -> Int { (taps.shape[0] - 1) * taps.shape[1] }
}
