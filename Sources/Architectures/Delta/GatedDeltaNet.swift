public import Autograd
public import Configuration
import Layers
import Tensors

/// The delta rule with a data-dependent decay per head (architectures.md 3.4).
public struct GatedDeltaNet: SequenceMixer {
  public static let info = MixerInfo(
    name: "gated-delta-net", summary: "the delta rule with a data-dependent decay per head",
    recurrence:
      "S_t = e^(g_t) (I - beta_t k_t k_t') S_{t-1} + beta_t k_t v_t', o_t = S_t' q_t / sqrt(K)",
    paper: "Yang, Kautz and Hatamizadeh 2024, arXiv 2412.06464",
    settings: [
      MixerSetting.heads(2),
      Setting(
        "valueExpansion", .integer(1...8), default: .integer(1),
        "width of the values over the model width"),
      MixerSetting.convolution(4, keepsSiLU: true), MixerSetting.eigenvalues,
      Setting("gate", .flag, default: .flag(true), "gate the output with SiLU(W x)"),
    ],
    eigenvalues: { $0.text("eigenvalues") == "signed" ? "(-1, 1)" : "(0, 1)" },
    stateTracking: {
      StateTracking(parity: $0.text("eigenvalues") == "signed", modulo3: false, s5: false)
    })

  private let heads: Int
  private let keyDim: Int
  private let valueDim: Int
  private let inputs: DeltaInputs
  private let step: DiscreteStep
  private let output: HeadOutput

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    keyDim = try context.headWidth(context.width, heads: heads)
    valueDim = keyDim * settings.integer("valueExpansion")
    inputs = DeltaInputs(
      context, heads: heads, keyDim: keyDim, valueDim: valueDim,
      convolution: settings.integer("convolution"),
      signed: settings.text("eigenvalues") == "signed")
    step = DiscreteStep(
      context, heads: heads, rates: 0...16, initial: context.initial, signed: false)
    output = HeadOutput(
      context, heads: heads, dim: valueDim, normalised: true,
      gate: settings.flag("gate") ? .swish : .none)
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let (q, k, v, update, others) = inputs(
      x, state: state, last: [step.projection], gate: output.gateMap)
    let scan = MatrixScan(
      decay: .scalar(step(projected: others[0]).decay), update: update,
      scale: 1 / Float(keyDim).squareRoot())
    let o = scan(q: q, k: k, v: v, carrying: state)
    return output(o, gatedBy: others.dropFirst().first)
  }

  public func stateSize(length: Int) -> Int { heads * keyDim * valueDim + inputs.stateSize }
}
