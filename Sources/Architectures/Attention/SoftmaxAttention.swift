public import Autograd
public import Configuration

/// Causal softmax attention over the whole past (architectures.md 3.1).
public struct SoftmaxAttention: SequenceMixer {
  public static let info = MixerInfo(
    name: "attention", summary: "causal softmax attention",
    recurrence: "o_i = sum_{j<=i} softmax_j(q_i . k_j / sqrt(K)) v_j",
    paper: "Vaswani et al. 2017, arXiv 1706.03762",
    settings: AttentionLayer.settings, usesPositions: true,
    eigenvalues: { _ in "none" }, stateTracking: { _ in .none })

  private let layer: AttentionLayer

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    layer = try AttentionLayer(settings, window: 0, context)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    layer(x, state: state)
  }

  public func stateSize(length: Int) -> Int { layer.stateSize(length: length) }
}
