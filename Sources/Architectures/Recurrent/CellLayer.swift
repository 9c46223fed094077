import Autograd
import Configuration
import Layers
import Tensors

/// What the recurrent cells share: input and recurrent weights, U(+-1/sqrt(d)) at first as is
/// customary for them, block-diagonal over heads (architectures.md 3.7).
struct CellLayer {
  static let heads = Setting(
    "heads", .integer(1...1024), default: .integer(1), "blocks of the recurrent weights")

  private let kind: RecurrentCell
  private let heads: Int
  private let width: Int
  private let input: Parameter
  private let bias: Parameter
  private let recurrent: Parameter
  private let recurrentBias: Parameter?

  /// - Parameters:
  ///   - kind: The cell.
  ///   - settings: The mixer's settings.
  ///   - context: The model around it.
  ///   - bias: The initial bias of each gate.
  /// - Throws: `SettingError` where the heads do not divide the width.
  init(
    _ kind: RecurrentCell, _ settings: SettingValues, _ context: MixerContext, bias: [Float]
  ) throws(SettingError) {
    self.kind = kind
    heads = settings.integer("heads")
    width = context.width
    let dim = try context.headWidth(width, heads: heads)
    let gates = bias.count
    let parameters = context.parameters
    let inputBound = 1 / Float(width).squareRoot()
    let recurrentBound = 1 / Float(dim).squareRoot()
    input = parameters.parameter(
      "input", [width, gates * width], .uniform(-inputBound...inputBound))
    let width = width
    self.bias = parameters.parameter(
      "bias", [gates * width],
      .elements { bias.flatMap { [Float](repeating: $0, count: width) } }, decays: false)
    recurrent = parameters.parameter(
      "recurrent", [heads, dim, gates, dim], .uniform(-recurrentBound...recurrentBound))
    recurrentBias =
      kind == .gru
      ? parameters.parameter("recurrentBias", [width], .zeros, decays: false) : nil
  }

  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let gates = x.linear(input.variable, bias: bias.variable)
    let initial = state?["hidden"].map { CellState(hidden: $0, memory: state?["memory"]) }
    let (y, final) = gates.recurrentCell(
      kind, heads: heads, recurrent: recurrent.variable, recurrentBias: recurrentBias?.variable,
      initial: initial, wantsFinal: state != nil)
    if let final {
      state?["hidden"] = final.hidden
      state?["memory"] = final.memory
    }
    return y
  }

  var stateSize: Int { kind == .lstm ? 2 * width : width }
}
