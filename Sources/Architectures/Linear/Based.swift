public import Autograd
public import Configuration
import Layers
import Tensors

/// The linear part of Based: attention with the Taylor polynomial of the exponential.
///
/// See architectures.md 3.2. The published models alternate it with sliding windows and gated short
/// convolutions, as layer patterns do here.
public struct Based: SequenceMixer {
  public static let info = MixerInfo(
    name: "based", summary: "linear attention with the Taylor features of the exponential",
    recurrence:
      "S_t = S_{t-1} + phi(k_t) v_t', z_t = z_{t-1} + phi(k_t), o_t = S_t' phi(q_t) / phi(q_t) z_t",
    paper: "Arora et al. 2024, arXiv 2402.18668",
    settings: [
      MixerSetting.heads(1),
      Setting(
        "featureDim", .integer(1...64), default: .integer(16),
        "width d of a head's queries and keys, of which 1 + d + d(d+1)/2 features are made"),
      MixerSetting.convolution(0),
    ],
    eigenvalues: { _ in "{1}" }, stateTracking: { _ in .none })

  private let dim: Int
  private let heads: Int
  private let features: Int
  private let projections: HeadProjections
  private let output: HeadOutput

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    dim = try context.headWidth(context.width, heads: heads)
    let featureDim = settings.integer("featureDim")
    features = Variable.taylorFeatureCount(of: featureDim)
    let taps = settings.integer("convolution")
    let activation: Elementwise = taps > 0 ? .silu : .identity
    let query = HeadProjection(
      context, "query", heads: heads, dim: featureDim, convolution: taps, activation: activation)
    let key = HeadProjection(
      context, "key", heads: heads, dim: featureDim, convolution: taps, activation: activation)
    let value = HeadProjection(
      context, "value", heads: heads, dim: dim, convolution: taps, activation: activation)
    projections = HeadProjections(query: query, key: key, value: value)
    output = HeadOutput(context, heads: heads, dim: dim, normalised: false, gate: .none)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let (queries, keys, v) = projections(x, state: state)
    let q = queries.taylorFeatures()
    let k = keys.taylorFeatures()
    let read = MatrixScan()(q: q, k: k, v: v, carrying: state)
    // The polynomial is at least 1/2 everywhere, so epsilon only guards against rounding.
    let (factor, sum) = Normaliser(floor: .epsilon(1e-12))(
      q: q, k: k, initial: state?["normaliser"], wantsFinal: state != nil)
    if let sum { state?["normaliser"] = sum }
    return output(read.scalingRows(by: factor), input: x)
  }

  public func stateSize(length: Int) -> Int {
    heads * features * (dim + 1) + projections.stateSize
  }
}
