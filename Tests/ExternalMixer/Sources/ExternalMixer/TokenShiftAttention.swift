import HysteresisKit

/// Linear attention whose keys may look one position back, with a decay per key channel.
///
/// This is a mixer of a package of one's own: it needs nothing but `HysteresisKit`, and the program
/// below is the suite's whole command line with one more architecture in it. From this folder:
///
///     swift run -c release ExternalMixer list architectures token-shift-attention
///     swift run -c release ExternalMixer run grid.yaml
///
/// To store an association, a linear recurrence needs the key and its value at the same position,
/// but in recall the value follows its key. Plain linear attention spends a layer on bringing them
/// together. Here the keys come from a mixture of the present and the previous input, channel by
/// channel (the token shift of RWKV, arXiv 2305.13048), so that one layer can recall. What the
/// memory holds fades at rates that the input chooses (as in GLA, arXiv 2312.06635).
struct TokenShiftAttention: SequenceMixer {
  static let info = MixerInfo(
    name: "token-shift-attention", summary: "decaying linear attention with token-shifted keys",
    recurrence: "S_t = diag(a_t) S_{t-1} + k_t v_t', k_t = W (m0 x_t + m1 x_{t-1}), o_t = S_t' q_t",
    paper: "an example; after arXiv 2305.13048 and arXiv 2312.06635",
    settings: [
      MixerSetting.heads(1),
      Setting(
        "temperature", .number(0.1...1000), default: .number(64),
        "divisor of the log decay, so that nothing fades at first"),
    ],
    eigenvalues: { _ in "(0, 1)" }, stateTracking: { _ in .none })

  private let heads: Int
  private let dim: Int
  private let temperature: Float
  private let shift: Parameter
  private let query: HeadProjection
  private let key: HeadProjection
  private let value: HeadProjection
  private let decay: Linear
  private let output: HeadOutput

  init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    dim = try context.headWidth(context.width, heads: heads)
    shift = context.parameters.parameter("shift", [2, context.width], .constant(0.5))
    query = HeadProjection(context, "query", heads: heads, dim: dim)
    key = HeadProjection(context, "key", heads: heads, dim: dim)
    value = HeadProjection(context, "value", heads: heads, dim: dim)
    decay = Linear(
      context.parameters.scoped("decay"), context.width, context.width, bias: true,
      initial: context.initial)
    temperature = Float(settings.number("temperature"))
    output = HeadOutput(context, heads: heads, dim: dim, normalised: true, gate: .none)
  }

  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let shifted = x.shortConvolution(
      shift.variable, bias: nil, activation: .identity, name: "shift", carrying: state)
    let q = query(x, state: state)
    let k = key(shifted, state: state)
    let v = value(x, state: state)
    let remaining = decay(x).logSigmoid().scaled(by: 1 / temperature).exp()
    let scan = MatrixScan(
      decay: .vector(remaining.reshaped(k.shape)), scale: 1 / Float(dim).squareRoot())
    return output(scan(q: q, k: k, v: v, carrying: state), input: x)
  }

  func stateSize(length: Int) -> Int { heads * dim * dim + shift.shape[1] }
}

@main struct Program {
  static func main() { Hysteresis.main(mixers: [TokenShiftAttention.self]) }
}
