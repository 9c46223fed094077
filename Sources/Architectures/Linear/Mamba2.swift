public import Autograd
public import Configuration
import Layers
import Tensors

/// Mamba-2, the state-space dual form: a scalar decay per head, keys and queries shared by all
/// heads (architectures.md 3.3).
public struct Mamba2: SequenceMixer {
  public static let info = MixerInfo(
    name: "mamba-2", summary: "state-space model with a scalar data-dependent decay per head",
    recurrence: "S_t = e^(D_t A) S_{t-1} + D_t B_t x_t', y_t = S_t' C_t + D x_t",
    paper: "Dao and Gu 2024, arXiv 2405.21060",
    settings: [
      Setting(
        "expansion", .integer(1...8), default: .integer(2), "inner width over the model width"),
      Setting("stateSize", .integer(1...1024), default: .integer(64), "state dimension N"),
      Setting("headDim", .integer(1...1024), default: .integer(32), "width of a head P"),
      MixerSetting.convolution(4, keepsSiLU: true), MixerSetting.eigenvalues,
    ],
    eigenvalues: { $0.text("eigenvalues") == "signed" ? "(-1, 1)" : "(0, 1)" },
    stateTracking: {
      StateTracking(parity: $0.text("eigenvalues") == "signed", modulo3: false, s5: false)
    })

  private let heads: Int
  private let dim: Int
  private let states: Int
  private let input: HeadProjection
  private let keys: HeadProjection
  private let queries: HeadProjection
  private let step: DiscreteStep
  private let skip: Parameter
  /// [1, dim], to spread a number per head over the head's channels.
  private let spread: Constant
  private let gate: Linear
  private let norm: Parameter
  private let output: Linear

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    let inner = context.width * settings.integer("expansion")
    dim = settings.integer("headDim")
    guard inner % dim == 0 else {
      throw SettingError(
        "headDim", "heads of width \(dim) do not fill an inner width of \(inner)",
        help: "choose a divisor of \(inner)")
    }
    heads = inner / dim
    states = settings.integer("stateSize")
    let taps = settings.integer("convolution")
    // The reference keeps the framework's law for its projections, U(+-1/sqrt(fan-in)), four times
    // as wide as 0.02 at width 64: keys and queries meet as a product, and with narrower ones the
    // memory is silent at first. The way out is narrowed with depth.
    let bound = 1 / Float(context.width).squareRoot()
    let initial = Initialiser.uniform(-bound...bound)
    func projection(_ name: String, _ heads: Int, _ dim: Int) -> HeadProjection {
      HeadProjection(
        context, name, heads: heads, dim: dim, convolution: taps, convolutionBias: true,
        activation: .silu, initial: initial)
    }
    input = projection("input", heads, dim)
    keys = projection("key", 1, states)
    queries = projection("query", 1, states)
    let signed = settings.text("eigenvalues") == "signed"
    step = DiscreteStep(
      context, heads: heads, rates: 1...16, initial: initial, signed: signed)
    let parameters = context.parameters
    skip = parameters.parameter("skip", [heads, 1], .ones, decays: false)
    let width = dim
    spread = parameters.constant([1, width]) { [Float](repeating: 1, count: width) }
    gate = Linear(parameters.scoped("gate"), context.width, inner, initial: initial)
    norm = parameters.parameter("norm", [inner], .ones, decays: false)
    let outputBound = 1 / Float(inner * context.model.layers).squareRoot()
    output = Linear(
      parameters.scoped("output"), inner, context.width,
      initial: .uniform(-outputBound...outputBound))
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    // In the order in which their gradients are added, from the last to the first.
    let maps = [input.weight, step.projection.weight.variable, queries.weight, keys.weight]
    let projected = x.linears(maps, atWantedRows: gate.weight.variable)
    let parts = HeadProjection.finished(
      [input, queries, keys], [projected[0], projected[2], projected[3]], state: state)
    let u = parts[0]
    let (size, decay) = step(projected: projected[1])
    let o = MatrixScan(decay: .scalar(decay))(
      q: parts[1], k: parts[2], v: u.scalingRows(by: size), carrying: state)
    let flat = [x.shape[0], x.shape[1], heads * dim]
    let direct = skip.variable.linear(spread.variable).reshaped([heads * dim])
    // The gate comes before the norm here, unlike in the delta family.
    return output.endingBranch(
      o.reshaped(flat).atWantedRows().gatedSum(
        direct: u.reshaped(flat).atWantedRows(), skip: direct,
        gatedBy: projected[4], .silu,
        weight: norm.variable))
  }

  public func stateSize(length: Int) -> Int {
    heads * dim * states + input.stateSize + keys.stateSize + queries.stateSize
  }
}
