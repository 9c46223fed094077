public import Autograd
public import Configuration
import Layers
import Platform
import Tensors

/// Multi-scale retention: a fixed decay per head, rotated queries and keys (architectures.md 3.2).
public struct Retention: SequenceMixer {
  public static let info = MixerInfo(
    name: "retention",
    summary: "linear attention with rotary positions and a fixed decay per head (RetNet)",
    recurrence:
      "S_t = gamma_h S_{t-1} + k_t v_t', gamma_h = 1 - 2^(-5-h), o_t = S_t' q_t / sqrt(K)",
    paper: "Sun et al. 2023, arXiv 2307.08621",
    settings: [
      MixerSetting.heads(2),
      Setting(
        "valueExpansion", .integer(1...8), default: .integer(2),
        "width of the values over the model width"),
      MixerSetting.convolution(0),
    ],
    eigenvalues: { _ in "fixed in (0, 1)" }, stateTracking: { _ in .none })

  private let heads: Int
  private let dim: Int
  private let valueDim: Int
  private let projections: HeadProjections
  private let angles: RotaryAngles
  private let decay: Constant
  private let output: HeadOutput

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    let heads = settings.integer("heads")
    self.heads = heads
    dim = try context.headWidth(context.width, heads: heads)
    valueDim = dim * settings.integer("valueExpansion")
    let taps = settings.integer("convolution")
    let activation: Elementwise = taps > 0 ? .silu : .identity
    let query = HeadProjection(
      context, "query", heads: heads, dim: dim, convolution: taps, activation: activation)
    let key = HeadProjection(
      context, "key", heads: heads, dim: dim, convolution: taps, activation: activation)
    let value = HeadProjection(
      context, "value", heads: heads, dim: valueDim, convolution: taps, activation: activation)
    projections = HeadProjections(query: query, key: key, value: value)
    angles = try RotaryAngles(context, dim: dim)
    decay = context.parameters.constant([heads]) {
      (0..<heads).map { Float(1 - Mathematics.power(2, -5 - Double($0))) }
    }
    output = HeadOutput(
      context, heads: heads, dim: valueDim, normalised: true, affine: false, gate: .swish)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let position = state?.position ?? 0
    let (queries, keys, v, others) = projections(
      x, state: state, gate: output.gateMap)
    let q = angles.rotate(queries, from: position)
    let k = angles.rotate(keys, from: position)
    let scan = MatrixScan(
      decay: .perHead(decay.variable), scale: 1 / Float(dim).squareRoot())
    let o = scan(q: q, k: k, v: v, carrying: state)
    return output(o, gatedBy: others.first)
  }

  public func stateSize(length: Int) -> Int {
    heads * dim * valueDim + projections.stateSize
  }
}
