public import Autograd
public import Configuration

/// Causal softmax attention over the last W positions, the present one included
/// (architectures.md 3.1).
public struct SlidingWindowAttention: SequenceMixer {
  public static let info = MixerInfo(
    name: "sliding-window", summary: "softmax attention over the last W positions",
    recurrence: "o_i = sum_{i-W<j<=i} softmax_j(q_i . k_j / sqrt(K)) v_j",
    paper: "Beltagy et al. 2020, arXiv 2004.05150",
    settings: [
      Setting(
        "window", .integer(1...1_048_576), default: .integer(64),
        "positions that a query sees, itself included (W)")
    ] + AttentionLayer.settings,
    usesPositions: true, eigenvalues: { _ in "none" }, stateTracking: { _ in .none })

  private let layer: AttentionLayer

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    layer = try AttentionLayer(settings, window: settings.integer("window"), context)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    layer(x, state: state)
  }

  public func stateSize(length: Int) -> Int { layer.stateSize(length: length) }
}
