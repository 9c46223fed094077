import Configuration

/// What the command line changes in a grid.
public struct GridOptions: Sendable {
  /// `--set` options: `training.steps=500`; the value is read as YAML.
  public var overrides: [String]
  /// The `--seeds` option: `0..4`, `7` or `0,2,5`.
  public var seeds: String?
  /// `--only` options: `architecture=delta-net`; a cell must match all of them.
  public var only: [String]

  public init(overrides: [String] = [], seeds: String? = nil, only: [String] = []) {
    self.overrides = overrides
    self.seeds = seeds
    self.only = only
  }
}

extension GridOptions {
  static let maximumSeeds = 10_000

  /// The values for paths that `--set` gives; they win over the baseline and every axis.
  func assignments() throws(GridError) -> [Assignment] {
    var result: [Assignment] = []
    for override in overrides {
      let (key, value) = try Self.pair(override, option: "--set", example: "training.steps=500")
      let position = SourcePosition("--set \(key)")
      let path = try ConfigPath(key, at: position)
      let node = try YAMLReader(source: position.source, hasLines: false).read(value)
      result.append(Assignment(path: path, value: node ?? ConfigNode(.empty, at: position)))
    }
    return result
  }

  /// The two sides of an option such as `key=value`.
  static func pair(
    _ text: String, option: String, example: String
  ) throws(GridError) -> (key: String, value: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw GridError(
        SourcePosition("\(option) \(text.shortened)"), "there is no 'key=value'",
        help: "write \(option) \(example)", status: .usage)
    }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }

  /// The seeds that take the place of the grid's; nil to keep those.
  func seedNodes() throws(GridError) -> [ConfigNode]? {
    guard let seeds else { return nil }
    let position = SourcePosition("--seeds \(seeds.shortened)")
    guard let values = SeedList.values(seeds), (1...Self.maximumSeeds).contains(values.count) else {
      throw GridError(
        position, "not a list of seeds", help: "write --seeds 0..4, --seeds 7 or --seeds 0,2,5",
        status: .usage)
    }
    return values.map { ConfigNode(.scalar(.integer($0)), at: position) }
  }
}

/// The seeds of a cell, and lists of them on the command line.
enum SeedList {
  /// Seeds fit exactly into every reader of the records.
  static let setting = Setting(
    "seed", .integer(0...4_294_967_295), default: .integer(0), "seed of data and parameters")

  /// The seed that a node holds.
  static func seed(_ node: ConfigNode) throws(GridError) -> Int {
    let expectation = setting.kind.expectation
    let found = try node.settingValue("seed", expectation)
    guard case .integer(let seed) = setting.kind.normalised(found) else {
      throw node.wrong("seed", expectation)
    }
    return seed
  }

  /// The numbers of `0..4`, `7` or `0,2,5`; nil for anything else.
  static func values(_ text: String) -> [Int]? {
    let items = text.split(separator: ",", omittingEmptySubsequences: false)
    var values: [Int] = []
    for item in items {
      guard let range = range(item), range.count <= GridOptions.maximumSeeds else { return nil }
      values += range
    }
    return values
  }

  private static func range(_ text: Substring) -> ClosedRange<Int>? {
    let ends = text.split(separator: ".", omittingEmptySubsequences: false)
    guard ends.count == 1 || ends.count == 3 && ends[1].isEmpty,
      let first = Int(ends[0]), let last = Int(ends[ends.count - 1]), 0 <= first, first <= last,
      last <= 4_294_967_295
    else { return nil }
    return first...last
  }
}
