public import Autograd
public import Configuration
import Layers
import Randomness
import Tensors

/// Mamba, the selective state-space model: every channel has a few states, each with a rate of its
/// own, and the token chooses the step and what is written and read (architectures.md 3.6).
public struct Mamba: SequenceMixer {
  public static let info = MixerInfo(
    name: "mamba", summary: "selective state-space model with a decay per channel and state",
    recurrence: "h_cn = e^(D_c A_cn) h_cn + D_c B_n x_c, y_c = sum_n C_n h_cn + D x_c (S6)",
    paper: "Gu and Dao 2023, arXiv 2312.00752; signed: Grazzi et al. 2024, arXiv 2411.12537",
    settings: [
      Setting(
        "expansion", .integer(1...8), default: .integer(2), "inner width over the model width"),
      Setting(
        "stateSize", .integer(1...256), default: .integer(16), "states N of each inner channel"),
      MixerSetting.convolution(4, keepsSiLU: true),
      Setting(
        "stepRank", .integer(0...1024), default: .integer(0),
        "rank of the step's projection; 0 for a sixteenth of the model width, rounded up"),
      MixerSetting.eigenvalues,
    ],
    eigenvalues: { $0.text("eigenvalues") == "signed" ? "(-1, 1)" : "(0, 1)" },
    stateTracking: {
      StateTracking(parity: $0.text("eigenvalues") == "signed", modulo3: false, s5: false)
    })

  private let inner: Int
  private let states: Int
  private let scan: SelectiveScan
  private let input: HeadProjection
  private let narrowStep: Linear
  private let wideStep: Parameter
  private let stepBias: Parameter
  private let write: Linear
  private let read: Linear
  private let logRate: Parameter
  private let skip: Parameter
  private let gate: Linear
  private let output: Linear

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    let inner = context.width * settings.integer("expansion")
    let states = settings.integer("stateSize")
    let given = settings.integer("stepRank")
    let rank = given > 0 ? given : (context.width + 15) / 16
    self.inner = inner
    self.states = states
    scan = SelectiveScan(factor: settings.text("eigenvalues") == "signed" ? .signed : .positive)
    let parameters = context.parameters
    // The reference keeps the framework's law for its projections, U(+-1/sqrt(fan-in)).
    func law(_ fanIn: Int) -> Initialiser {
      let bound = 1 / Float(fanIn).squareRoot()
      return .uniform(-bound...bound)
    }
    input = HeadProjection(
      context, "input", heads: 1, dim: inner, convolution: settings.integer("convolution"),
      convolutionBias: true, activation: .silu, initial: law(context.width))
    let step = parameters.scoped("step")
    narrowStep = Linear(step.scoped("narrow"), inner, rank, initial: law(inner))
    wideStep = step.parameter("wide", [rank, inner], law(rank))
    stepBias = step.parameter(
      "timeBias", [inner], .drawn(DiscreteStep.inverseSoftplusOfStep), decays: false)
    write = Linear(parameters.scoped("write"), inner, states, initial: law(inner))
    read = Linear(parameters.scoped("read"), inner, states, initial: law(inner))
    // The rates -1 ... -N of S4D-real.
    logRate = parameters.parameter(
      "logRate", [states, inner],
      .elements {
        (1...states).flatMap { state in
          [Float](repeating: Float(PortableMath.log(Double(state))), count: inner)
        }
      }, decays: false)
    skip = parameters.parameter("skip", [inner], .ones, decays: false)
    gate = Linear(parameters.scoped("gate"), context.width, inner, initial: law(context.width))
    output = Linear(
      parameters.scoped("output"), inner, context.width,
      initial: law(inner * context.model.layers))
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let projected = x.linears([input.weight], atWantedRows: gate.weight.variable)
    let u = input.finished(projected[0], state: state)
      .reshaped([x.shape[0], x.shape[1], inner])
    let chosen = u.linears([narrowStep, write, read].map(\.weight.variable))
    let step = chosen[0].softplus(ofProductWith: wideStep.variable, bias: stepBias.variable)
    let (y, final) = scan(
      x: u, step: step, logRate: logRate.variable, write: chosen[1], read: chosen[2],
      skip: skip.variable, initial: state?["memory"], gate: projected[1], wantsFinal: state != nil)
    if let final { state?["memory"] = final }
    return output.endingBranch(y)
  }

  public func stateSize(length: Int) -> Int { inner * states + input.stateSize }
}
