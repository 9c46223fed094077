public import Autograd
public import Configuration
import Layers
import Tensors

/// Linear attention with a positive feature map (architectures.md 3.2).
///
/// The usual denominator φ(q) . sum φ(k) is a positive number per head and position, and the RMS
/// norm that follows each head removes any such factor; so it is not computed.
public struct LinearAttention: SequenceMixer {
  public static let info = MixerInfo(
    name: "linear-attention", summary: "linear attention with a positive feature map",
    recurrence: "S_t = S_{t-1} + phi(k_t) v_t', o_t = norm(S_t' phi(q_t))",
    paper: "Katharopoulos et al. 2020, arXiv 2006.16236",
    settings: [
      MixerSetting.heads(1),
      Setting(
        "feature", .choice(["elu", "relu", "identity"]), default: .text("elu"),
        "feature map of queries and keys: elu + 1, relu, or none"),
      MixerSetting.convolution(0),
    ],
    eigenvalues: { _ in "{1}" }, stateTracking: { _ in .none })

  private let dim: Int
  private let heads: Int
  private let projections: HeadProjections
  private let feature: Elementwise
  private let output: HeadOutput

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    dim = try context.headWidth(context.width, heads: heads)
    let taps = settings.integer("convolution")
    let activation: Elementwise = taps > 0 ? .silu : .identity
    let query = HeadProjection(
      context, "query", heads: heads, dim: dim, convolution: taps, activation: activation)
    let key = HeadProjection(
      context, "key", heads: heads, dim: dim, convolution: taps, activation: activation)
    let value = HeadProjection(
      context, "value", heads: heads, dim: dim, convolution: taps, activation: activation)
    projections = HeadProjections(query: query, key: key, value: value)
    switch settings.text("feature") {
    case "relu": feature = .relu
    case "identity": feature = .identity
    default: feature = .eluPlusOne
    }
    output = HeadOutput(context, heads: heads, dim: dim, normalised: true, gate: .none)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let (q, k, v) = projections(x, state: state)
    let o = MatrixScan()(
      q: q.featured(feature), k: k.featured(feature), v: v, carrying: state)
    return output(o, input: x)
  }

  public func stateSize(length: Int) -> Int {
    heads * dim * dim + projections.stateSize
  }
}

extension Variable {
  fileprivate func featured(_ feature: Elementwise) -> Variable {
    feature == .identity ? self : applying(feature)
  }
}
