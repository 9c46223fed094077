public import Autograd
public import Configuration
import Layers
import Randomness
import Tensors

/// The mLSTM of xLSTM: a matrix memory with exponential input gates and a normaliser, between an
/// up- and a down-projection (architectures.md 3.3).
public struct MLSTM: SequenceMixer {
  public static let info = MixerInfo(
    name: "mlstm", summary: "linear attention with exponential gates and a normaliser (xLSTM)",
    recurrence:
      "C_t = f C_{t-1} + e^i k_t v_t', n_t = f n_{t-1} + e^i k_t, h_t = C_t' q_t / max(|n_t q_t|, 1)",
    paper: "Beck et al. 2024, arXiv 2405.04517",
    settings: [
      MixerSetting.heads(4),
      Setting(
        "expansion", .integer(1...8), default: .integer(2), "inner width over the model width"),
      Setting(
        "blockSize", .integer(1...1024), default: .integer(4),
        "inputs of each block of the query, key and value projections"),
      MixerSetting.convolution(4),
    ],
    eigenvalues: { _ in "(0, 1)" }, stateTracking: { _ in .none })

  private let heads: Int
  private let inner: Int
  private let dim: Int
  private let input: Linear
  private let filter: CausalFilter?
  private let query: Parameter
  private let key: Parameter
  private let value: Parameter
  /// From queries, keys and values to the gates i, then f.
  private let gateWeights: [Parameter]
  private let gateBias: Parameter
  private let norm: Parameter
  private let skip: Parameter
  private let outputGate: Linear
  private let output: Linear

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    let (heads, width) = (settings.integer("heads"), context.width)
    inner = width * settings.integer("expansion")
    dim = try context.headWidth(width, heads: heads) * settings.integer("expansion")
    self.heads = heads
    let block = settings.integer("blockSize")
    guard inner % block == 0 else {
      throw SettingError(
        "blockSize", "blocks of \(block) do not fill an inner width of \(inner)",
        help: "choose a divisor of \(inner)")
    }
    let parameters = context.parameters
    let small = Initialiser.normal(deviation: (2 / (5 * Float(width))).squareRoot())
    let narrow = 2 / (Float(context.model.layers) * Float(width).squareRoot())
    input = Linear(parameters.scoped("input"), width, inner, initial: small)
    let taps = settings.integer("convolution")
    filter = taps > 0 ? CausalFilter(parameters, "filter", channels: inner, taps: taps) : nil
    let blocks = [inner / block, block, block]
    query = parameters.parameter("query", blocks, small)
    key = parameters.parameter("key", blocks, small)
    value = parameters.parameter("value", blocks, small)
    let inner = inner
    gateWeights = ["gateOfQuery", "gateOfKey", "gateOfValue"].map {
      parameters.parameter($0, [inner, 2 * heads], .zeros)
    }
    gateBias = parameters.parameter(
      "gateBias", [2 * heads],
      .drawnTogether { random in
        let inputs = (0..<heads).map { _ in 0.1 * random.normal() }
        // Heads forget at different rates, all of them slowly.
        return inputs + (0..<heads).map { 3 + 3 * Float($0) / Float(max(1, heads - 1)) }
      }, decays: false)
    norm = parameters.parameter("norm", [inner], .ones, decays: false)
    skip = parameters.parameter("skip", [inner], .ones, decays: false)
    outputGate = Linear(parameters.scoped("outputGate"), width, inner, initial: small)
    output = Linear(
      parameters.scoped("output"), inner, width, initial: .normal(deviation: narrow))
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    let projected = x.linears(
      [input.weight.variable], atWantedRows: outputGate.weight.variable)
    let u = projected[0]
    let filtered = filter.map { $0(u, state: state) } ?? u
    let maps = GatedBlocks(
      blocks: [query, key, value].map(\.variable), gates: gateWeights.map(\.variable),
      bias: gateBias.variable)
    let (vectors, gates) = maps(filtered, values: u)
    let (read, factor) = memory(
      q: vectors[0], k: vectors[1], v: vectors[2], gates: gates, state: state)
    return output.endingBranch(
      read.atWantedRows().normalisedHeads(
        factors: factor.atWantedRows(), weight: norm.variable, direct: filtered.atWantedRows(),
        skip: skip.variable, gatedBy: projected[1], .silu))
  }

  /// What is read from the memory, [batch, length, heads, dim], and one over its normaliser,
  /// [batch, length, heads].
  private func memory(
    q: Variable, k: Variable, v: Variable, gates: Variable, state: MixerState?
  ) -> (read: Variable, factor: Variable) {
    let (batch, length) = (q.shape[0], q.shape[1])
    let split = [batch, length, heads, dim]
    let (q, k, v) = (q.reshaped(split), k.reshaped(split), v.reshaped(split))
    let factors = gates.reshaped([batch, length, 2, heads]).stabilisedGates(
      initial: state?["stabiliser"], wantsFinal: state != nil)
    let scale = 1 / Float(dim).squareRoot()
    let normaliser = Normaliser(
      decay: factors.decay, scale: scale, floor: .stabiliser(factors.stabiliser))
    guard let state else {
      return normaliser.reading(q: q, k: k, v: v, weighedBy: factors.strength)
    }
    let (factor, written, sum) = normaliser(
      q: q, k: k, weighedBy: factors.strength, initial: state["normaliser"], wantsFinal: true)
    let scan = MatrixScan(decay: .scalar(factors.decay), scale: scale)
    let read = scan(q: q, k: written, v: v, carrying: state)
    if let sum { state["normaliser"] = sum }
    if let final = factors.final { state["stabiliser"] = final }
    return (read, factor)
  }

  public func stateSize(length: Int) -> Int {
    heads * (dim * dim + dim + 1) + (filter?.stateSize ?? 0)
  }
}
