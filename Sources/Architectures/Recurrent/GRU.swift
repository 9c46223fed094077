public import Autograd
public import Configuration

/// The gated recurrent unit, with the candidate's recurrent bias inside the reset gate
/// (architectures.md 3.7).
public struct GRU: SequenceMixer {
  public static let info = MixerInfo(
    name: "gru", summary: "gated recurrent unit",
    recurrence: "h_t = z h_{t-1} + (1-z) tanh(W_n x_t + b_n + r (R_n h_{t-1} + b'_n))",
    paper: "Cho et al. 2014, arXiv 1406.1078",
    settings: [CellLayer.heads],
    eigenvalues: { _ in "non-linear" }, stateTracking: { _ in .all })

  private let layer: CellLayer

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    layer = try CellLayer(.gru, settings, context, bias: [0, 0, 0])
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    layer(x, state: state)
  }

  public func stateSize(length: Int) -> Int { layer.stateSize }
}
