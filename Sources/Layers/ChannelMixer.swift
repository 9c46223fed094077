public import Autograd
public import Configuration
import Tensors

/// The position-wise part of a block: a GELU MLP or a SwiGLU.
public struct ChannelMixer {
  private let up: Linear
  private let gate: Linear?
  private let down: Linear

  /// Makes a channel mixer, or nil for `none`, which adds nothing to the residual stream.
  ///
  /// A SwiGLU has two thirds of the hidden width, so that it costs what the MLP costs
  /// (Shazeer 2020, arXiv 2002.05202), rounded up to a multiple of 8.
  public init?(
    _ parameters: Parameters, _ model: ModelConfiguration, initial: Initialiser,
    output: Initialiser
  ) {
    let width = model.width
    let wanted = Double(width) * model.channelRatio
    switch model.channelMixer {
    case .none: return nil
    case .mlp:
      let hidden = max(1, Int(wanted.rounded()))
      up = Linear(parameters.scoped("up"), width, hidden, bias: true, initial: initial)
      gate = nil
      down = Linear(parameters.scoped("down"), hidden, width, bias: true, initial: output)
    case .swiglu:
      let hidden = (max(1, Int((wanted * 2 / 3).rounded())) + 7) / 8 * 8
      up = Linear(parameters.scoped("up"), width, hidden, initial: initial)
      gate = Linear(parameters.scoped("gate"), width, hidden, initial: initial)
      down = Linear(parameters.scoped("down"), hidden, width, initial: output)
    }
  }

  /// The stream with this mixer of its norm added, where the device does both as one operation.
  public func added(to x: Variable, norm: Norm) -> Variable? {
    guard gate == nil, let weight = norm.rmsWeight, let upBias = up.bias, let downBias = down.bias
    else { return nil }
    return x.addingMLP(
      ofNormWith: weight.variable, up: up.weight.variable, upBias: upBias.variable,
      down: down.weight.variable, downBias: downBias.variable)
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    if let gate { return down.endingBranch(up(x).gated(by: gate(x), .silu)) }
    guard let upBias = up.bias, let downBias = down.bias else { return down(up(x).gelu()) }
    return x.mlp(
      up: up.weight.variable, upBias: upBias.variable, down: down.weight.variable,
      downBias: downBias.variable)
  }
}
