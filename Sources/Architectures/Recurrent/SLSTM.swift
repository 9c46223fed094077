public import Autograd
public import Configuration
import Layers
import Randomness
import Tensors

/// The sLSTM of xLSTM: exponential gates with a normaliser, recurrent weights within heads
/// (architectures.md 3.7).
public struct SLSTM: SequenceMixer {
  public static let info = MixerInfo(
    name: "slstm", summary: "LSTM with exponential gates and a normaliser (xLSTM)",
    recurrence:
      "c_t = f c_{t-1} + e^i z, n_t = f n_{t-1} + e^i, h_t = o c_t / n_t, gates from W x_t + R h",
    paper: "Beck et al. 2024, arXiv 2405.04517",
    settings: [
      Setting(
        "heads", .integer(1...1024), default: .integer(4),
        "blocks of the input and recurrent weights"),
      MixerSetting.convolution(4),
    ],
    eigenvalues: { _ in "non-linear" }, stateTracking: { _ in .all })

  private static let gates = 4
  private let heads: Int
  private let width: Int
  private let filter: CausalFilter?
  /// Of the gates i, f, z and o in turn.
  private let inputs: [Parameter]
  private let bias: Parameter
  private let recurrent: Parameter
  private let norm: Parameter

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    let (heads, width) = (settings.integer("heads"), context.width)
    let dim = try context.headWidth(width, heads: heads)
    (self.heads, self.width) = (heads, width)
    let parameters = context.parameters
    let taps = settings.integer("convolution")
    filter =
      taps > 0 ? CausalFilter(parameters, "filter", channels: width, taps: taps) : nil
    let small = Initialiser.normal(deviation: (2 / (5 * Float(width))).squareRoot())
    inputs = ["inputGate", "forgetGate", "candidate", "outputGate"].map {
      parameters.parameter($0, [heads, dim, dim], small)
    }
    let depth = Double(context.layer) / Double(max(1, context.model.layers - 1))
    bias = parameters.parameter(
      "bias", [Self.gates * width],
      .elements {
        let zeros = [Float](repeating: 0, count: width)
        let forget = (0..<heads).flatMap { _ in Self.forgetBias(dim: dim, depth: depth) }
        return zeros + forget + zeros + zeros
      }, decays: false)
    recurrent = parameters.parameter("recurrent", [heads, dim, Self.gates, dim], .zeros)
    norm = parameters.parameter("norm", [width], .ones, decays: false)
  }

  /// From 5, which keeps nearly everything, down to -7: channels of a head remember for longer or
  /// shorter times, and fewer of them for long in deeper layers.
  ///
  /// - Parameters:
  ///   - dim: The width of a head.
  ///   - depth: 0 for the first layer, 1 for the last.
  /// - Returns: The bias of each channel.
  private static func forgetBias(dim: Int, depth: Double) -> [Float] {
    (0..<dim).map { channel in
      guard channel > 0 else { return 5 }
      let place = Double(channel) / Double(dim - 1)
      return Float(5 - 12 * PortableMath.exp((0.3 + 1.3 * depth) * PortableMath.log(place)))
    }
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    // Only what is written and kept sees the tokens before.
    let filtered = filter.map { $0(x, state: state) } ?? x
    let maps = zip([filtered, filtered, x, x], inputs).map { LinearMap($0, $1.variable) }
    let initial = state?["hidden"].map { CellState(hidden: $0, memory: state?["memory"]) }
    let (h, final) = Variable.recurrentCell(
      .slstm, heads: heads, of: maps, bias: bias.variable, recurrent: recurrent.variable,
      initial: initial, wantsFinal: state != nil)
    if let final {
      state?["hidden"] = final.hidden
      state?["memory"] = final.memory
    }
    let split = [x.shape[0], x.shape[1], heads, width / heads]
    return h.reshaped(split).atWantedRows().layerNorm(ofHeadsWith: norm.variable)
  }

  public func stateSize(length: Int) -> Int { 4 * width + (filter?.stateSize ?? 0) }
}
