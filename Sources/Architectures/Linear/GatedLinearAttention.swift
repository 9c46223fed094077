public import Autograd
public import Configuration
import Layers
import Tensors

/// Gated linear attention: a decay per key channel, made from the input (architectures.md 3.3).
public struct GatedLinearAttention: SequenceMixer {
  public static let info = MixerInfo(
    name: "gated-linear-attention",
    summary: "linear attention with a data-dependent decay per channel",
    recurrence:
      "S_t = diag(alpha_t) S_{t-1} + k_t v_t', ln alpha_t = log sigmoid(W2 W1 x_t + b) / 16",
    paper: "Yang et al. 2024, arXiv 2312.06635",
    settings: [
      MixerSetting.heads(2),
      Setting(
        "keyExpansion", .number(0.125...4), default: .number(0.5),
        "width of queries and keys over the model width"),
      Setting(
        "rank", .integer(1...1024), default: .integer(16), "rank of the decay's projection"),
      Setting(
        "temperature", .number(0.1...1000), default: .number(16),
        "divisor of the log decay, so that it starts near 0"),
      MixerSetting.convolution(0),
    ],
    eigenvalues: { _ in "(0, 1)" }, stateTracking: { _ in .none })

  private let heads: Int
  private let keyDim: Int
  private let valueDim: Int
  private let temperature: Float
  private let projections: HeadProjections
  private let narrow: Linear
  private let wide: Parameter
  private let bias: Parameter
  private let output: HeadOutput

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    valueDim = try context.headWidth(context.width, heads: heads)
    let keyWidth = Int((Double(context.width) * settings.number("keyExpansion")).rounded())
    keyDim = try context.headWidth(keyWidth, heads: heads)
    temperature = Float(settings.number("temperature"))
    let taps = settings.integer("convolution")
    let activation: Elementwise = taps > 0 ? .silu : .identity
    let query = HeadProjection(
      context, "query", heads: heads, dim: keyDim, convolution: taps, activation: activation)
    let key = HeadProjection(
      context, "key", heads: heads, dim: keyDim, convolution: taps, activation: activation)
    let value = HeadProjection(
      context, "value", heads: heads, dim: valueDim, convolution: taps, activation: activation)
    projections = HeadProjections(query: query, key: key, value: value)
    let rank = settings.integer("rank")
    let decay = context.parameters.scoped("decay")
    narrow = Linear(decay.scoped("narrow"), context.width, rank, initial: context.initial)
    let expansion = decay.scoped("wide")
    wide = expansion.parameter("weight", [rank, heads * keyDim], context.initial)
    bias = expansion.parameter("bias", [heads * keyDim], .zeros, decays: false)
    output = HeadOutput(context, heads: heads, dim: valueDim, normalised: true, gate: .swish)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let (q, k, v, others) = projections(x, state: state, last: [narrow], gate: output.gateMap)
    let decay = others[0].sigmoid(
      ofProductWith: wide.variable, bias: bias.variable, toPower: 1 / temperature)
    let scan = MatrixScan(
      decay: .vector(decay.reshaped(q.shape)), scale: 1 / Float(keyDim).squareRoot())
    let o = scan(q: q, k: k, v: v, carrying: state)
    return output(o, gatedBy: others.dropFirst().first)
  }

  public func stateSize(length: Int) -> Int {
    heads * keyDim * valueDim + projections.stateSize
  }
}
