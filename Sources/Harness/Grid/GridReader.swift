import Configuration

/// Reads the sections of a grid and whatever can be checked without knowing tasks and mixers.
struct GridReader {
  static let keys = ["name", "description", "baseline"] + AxisSection.allCases.map(\.rawValue)
  static let parts = CellPart.allCases.map(\.rawValue)

  /// The name of the file for messages.
  let file: String

  func grid(_ text: String) throws(GridError) -> Grid {
    guard let root = try YAMLReader(source: file).read(text), root.content != .empty else {
      throw GridError(
        SourcePosition(file, line: 1, column: 1), "the grid is empty",
        help: "it needs at least 'name' and 'baseline'")
    }
    let entries = try sections(root)
    let name = try self.name(root)
    var description = ""
    if let node = root["description"] {
      description = try ConfigLabel.line(node, "description", of: 0...YAMLReader.maximumScalar)
    }
    var axes: [Axis] = []
    for entry in entries {
      guard let section = AxisSection(rawValue: entry.key) else { continue }
      axes += try Axis.read(entry.value, section: section)
    }
    try Axis.checkConflicts(axes)
    return Grid(
      name: name, description: description, baseline: try baseline(root), axes: axes)
  }

  private func sections(_ root: ConfigNode) throws(GridError) -> [ConfigEntry] {
    guard let entries = root.entries else {
      throw GridError(
        root.position, "the grid is \(root.found)",
        help: "it must be a mapping with 'name' and 'baseline'")
    }
    try Self.check(entries, known: Self.keys, of: "a grid")
    return entries
  }

  private static func check(
    _ entries: [ConfigEntry], known: [String], of owner: String
  ) throws(GridError) {
    for entry in entries where !known.contains(entry.key) {
      let error = SettingValues.unknown(entry.key.shortened, among: known, of: owner)
      throw GridError(entry.keyPosition, error.problem, help: error.help)
    }
  }

  /// The grid's name: it becomes a folder, and is typed into shells.
  private func name(_ root: ConfigNode) throws(GridError) -> String {
    guard let node = root["name"] else {
      throw GridError(root.position, "the grid has no name", help: "write 'name: my-grid' in it")
    }
    let expectation = "a word of a-z, 0-9 and '-', of at most 64 characters"
    guard let name = node.text, (1...64).contains(name.utf8.count), name.first != "-",
      name.utf8.allSatisfy({ Self.isNameByte($0) })
    else { throw node.wrong("name", expectation) }
    return name
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private func baseline(_ root: ConfigNode) throws(GridError) -> ConfigNode {
    guard let node = root["baseline"] else {
      throw GridError(
        root.position, "the grid has no baseline",
        help: "write 'baseline:' with a task and a model in it")
    }
    let entries = try node.mapping("baseline", "a mapping with task, model, training and seed")
    try Self.check(entries, known: Self.parts, of: "a baseline")
    for entry in entries where entry.value.content == .empty {
      throw entry.value.wrong(entry.key, "given or left out")
    }
    return node
  }
}
