import Configuration
import Harness

/// A small catalogue whose messages do not move with the suite's tasks and mixers.
enum ToyCatalog {
  static let catalog = GridCatalog(
    tasks: tasks, mixers: mixers, checkTask: check(task:settings:),
    checkModel: check(model:task:), cost: cost)

  static let tasks: [GridCatalog.Entry] = [
    .init(
      "mqar",
      [
        Setting("vocabulary", .integer(4...65536), default: .integer(256), "V"),
        Setting("length", .integer(4...65536), default: .integer(64), "L"),
        Setting("pairs", .integer(1...4096), default: .integer(4), "K"),
        Setting("gapExponent", .number(0...10), default: .number(0.01), "a"),
        Setting(
          "filler", .choice(["zero", "random", "clean"]), default: .text("clean"), "filler"),
      ]),
    .init(
      "parity",
      [
        Setting("length", .integers(1...4096), default: .range(3...40), "s"),
        Setting("mode", .choice(["final", "running"]), default: .text("final"), "targets"),
      ]),
  ]

  static let mixers: [GridCatalog.Entry] = [
    .init("attention", [Setting("heads", .integer(1...64), default: .integer(1), "H")]),
    .init(
      "delta-net",
      [
        Setting("heads", .integer(1...64), default: .integer(1), "H"),
        Setting("eigenvalues", .choice(["unit", "signed"]), default: .text("unit"), "range"),
        Setting("shortConvolution", .flag, default: .flag(true), "conv4"),
      ]),
    .init("gru", []),
  ]

  @Sendable private static func check(
    task: String, settings: [String: SettingValue]
  ) throws(SettingError) {
    guard case .integer(let pairs) = settings["pairs"],
      case .integer(let length) = settings["length"], 4 * pairs > length
    else { return }
    throw SettingError(
      "pairs", "\(pairs) pairs do not fit into length \(length)",
      help: "at most \(length / 4) do")
  }

  @Sendable private static func check(
    model: ModelConfiguration, task: TaskConfiguration
  ) throws(SettingError) {
    for mixer in model.mixers {
      guard case .integer(let heads) = mixer.settings["heads"] else { continue }
      if model.width % heads != 0 {
        throw SettingError(
          "heads", "\(heads) heads do not divide the width \(model.width)",
          help: "the width must be a multiple of the heads")
      }
      if mixer.name == "attention", model.positions == .rotary, model.width / heads % 2 != 0 {
        throw SettingError(
          "positions", "rotary positions need an even width of each head",
          help: "it is \(model.width / heads)")
      }
    }
    if model.positions == .rotary, !model.mixers.contains(where: { $0.name == "attention" }) {
      throw SettingError(
        "positions", "'positions' is rotary and no layer is attention",
        help: "only attention has rotary positions")
    }
  }

  @Sendable private static func cost(
    quantity: MatchTarget.Quantity, model: ModelConfiguration, task: TaskConfiguration
  ) throws(SettingError) -> Int {
    try check(model: model, task: task)
    let layers = (0..<model.layers).map { model.mixer(ofLayer: $0) }
    switch quantity {
    case .parameters: return layers.count * 4 * model.width * model.width + 256 * model.width
    case .stateBytes:
      let length = task.test.map { longest($0.settings["length"]) }.max() ?? 0
      return layers.reduce(0) { $0 + 4 * state(of: $1, model.width, length) }
    }
  }

  private static func longest(_ value: SettingValue?) -> Int {
    switch value {
    case .integer(let length): length
    case .range(let range): range.upperBound
    default: 0
    }
  }

  private static func state(of mixer: MixerConfiguration, _ width: Int, _ length: Int) -> Int {
    guard case .integer(let heads) = mixer.settings["heads"] else { return width }
    return mixer.name == "attention" ? 2 * length * width : width * width / heads
  }
}

/// The plan of a grid's text.
func plan(_ text: String, _ options: GridOptions = GridOptions()) throws -> Plan {
  try Grid(text: text, file: "g.yaml").plan(catalog: ToyCatalog.catalog, options: options)
}

/// The one-line refusal of a grid's text, or nil where it is accepted.
func refusal(_ text: String, _ options: GridOptions = GridOptions()) -> GridError? {
  do throws(GridError) {
    let grid = try Grid(text: text, file: "g.yaml")
    _ = try grid.plan(catalog: ToyCatalog.catalog, options: options)
    return nil
  } catch {
    return error
  }
}
