public import Autograd
public import Configuration
import Layers
import Tensors

/// The delta rule: each write first erases what the state holds under the key
/// (architectures.md 3.4).
public struct DeltaNet: SequenceMixer {
  public static let info = MixerInfo(
    name: "delta-net", summary: "linear attention whose writes replace what the key held",
    recurrence: "S_t = (I - beta_t k_t k_t') S_{t-1} + beta_t k_t v_t', o_t = S_t' q_t / sqrt(K)",
    paper: "Yang et al. 2024, arXiv 2406.06484; signed: Grazzi et al. 2024, arXiv 2411.12537",
    settings: [
      MixerSetting.heads(2), MixerSetting.convolution(4, keepsSiLU: true), MixerSetting.eigenvalues,
      Setting("gate", .flag, default: .flag(false), "gate the output with SiLU(W x)"),
    ],
    eigenvalues: { $0.text("eigenvalues") == "signed" ? "(-1, 1)" : "(0, 1)" },
    stateTracking: {
      StateTracking(parity: $0.text("eigenvalues") == "signed", modulo3: false, s5: false)
    })

  private let heads: Int
  private let dim: Int
  private let inputs: DeltaInputs
  private let output: HeadOutput

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    dim = try context.headWidth(context.width, heads: heads)
    inputs = DeltaInputs(
      context, heads: heads, keyDim: dim, valueDim: dim,
      convolution: settings.integer("convolution"),
      signed: settings.text("eigenvalues") == "signed")
    output = HeadOutput(
      context, heads: heads, dim: dim, normalised: true,
      gate: settings.flag("gate") ? .swish : .none)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let (q, k, v, update, others) = inputs(
      x, state: state, last: [], gate: output.gateMap)
    let scan = MatrixScan(update: update, scale: 1 / Float(dim).squareRoot())
    let o = scan(q: q, k: k, v: v, carrying: state)
    return output(o, gatedBy: others.first)
  }

  public func stateSize(length: Int) -> Int { heads * dim * dim + inputs.stateSize }
}
