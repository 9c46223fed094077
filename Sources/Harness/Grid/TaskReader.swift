import Configuration

/// A task setting as a grid asks for it.
struct TaskRequest: Sendable {
  let configuration: TaskConfiguration
  let label: ConfigLabel?
  let declared: [Setting]
  /// Where the task is named.
  let position: SourcePosition
  /// The smallest fixed training segment and where its size is given; nil for streams.
  let smallestTraining: (examples: Int, position: SourcePosition)?

  /// The same task setting with a label.
  func labelled(_ label: ConfigLabel) -> TaskRequest {
    TaskRequest(
      configuration: configuration, label: label, declared: declared, position: position,
      smallestTraining: smallestTraining)
  }
}

/// Reads the `task` of a cell.
struct TaskReader {
  static let splits = ["train", "validation", "test"]
  /// The size of validation and test segments that do not give one.
  static let defaultExamples = 1000

  private let entry: GridCatalog.Entry
  private let entries: [ConfigEntry]
  /// Where the task is named.
  private let position: SourcePosition
  private let settings: SettingsReader
  private let segmentSettings: SettingsReader
  private let given: [String: SettingValue]
  private let label: ConfigLabel?

  /// Reads all of a task but its segments.
  init(_ node: ConfigNode, catalog: GridCatalog) throws(GridError) {
    (entry, position, entries) = try Self.named(node, catalog)
    settings = SettingsReader(
      declared: entry.settings, owner: "task \(entry.name)",
      otherKeys: ["name"] + Self.splits + ["label"])
    segmentSettings = SettingsReader(
      declared: entry.settings, owner: "a segment of task \(entry.name)", otherKeys: ["examples"])
    given = try settings.read(entries)
    if let node = node["label"] { label = try ConfigLabel(node) } else { label = nil }
  }

  /// The complete task.
  ///
  /// - Parameter check: Checks the settings of a segment together; nil for no such check.
  /// - Returns: The task with all its segments.
  /// - Throws: `GridError` for an unknown, wrong or impossible value.
  func request(check: GridCatalog.TaskCheck?) throws(GridError) -> TaskRequest {
    var splits: [[Segment]] = []
    for split in Self.splits { splits.append(try segments(of: split)) }
    try checkTraining(splits[0])
    for segment in splits.joined() { try self.check(segment, check) }
    let sizes = splits[0].compactMap { segment in
      segment.configuration.examples.map { ($0, segment.examplesPosition ?? position) }
    }
    let configuration = TaskConfiguration(
      name: entry.name, train: splits[0].map(\.configuration),
      validation: splits[1].map(\.configuration), test: splits[2].map(\.configuration))
    return TaskRequest(
      configuration: configuration, label: label, declared: entry.settings, position: position,
      smallestTraining: sizes.min { $0.0 < $1.0 })
  }

  private static func named(
    _ node: ConfigNode, _ catalog: GridCatalog
  ) throws(GridError) -> (GridCatalog.Entry, SourcePosition, [ConfigEntry]) {
    let expectation = "a task's name, or a mapping with its 'name' and settings"
    let entries = node.text == nil ? try node.mapping("task", expectation) : []
    guard let nameNode = node.text == nil ? node["name"] : node else {
      throw GridError(node.position, "the task has no name", help: "write 'name: mqar' in it")
    }
    guard let name = nameNode.text else { throw nameNode.wrong("name", "a task's name") }
    guard let entry = catalog.tasks.first(where: { $0.name == name }) else {
      throw GridError.unknown(
        nameNode.position, "task", name, known: catalog.tasks.map(\.name),
        listing: "see 'hysteresis list tasks'")
    }
    return (entry, nameNode.position, entries)
  }
}

// MARK: - Segments

extension TaskReader {
  private struct Segment {
    let configuration: SegmentConfiguration
    let entries: [ConfigEntry]
    let examplesPosition: SourcePosition?
  }

  private func segments(of split: String) throws(GridError) -> [Segment] {
    guard let node = entries.first(where: { $0.key == split })?.value else {
      return [try segment([], split)]
    }
    guard let elements = node.elements else { return [try segment(of: node, split)] }
    guard !elements.isEmpty else {
      throw node.wrong(split, "a segment or a list of at least one")
    }
    var result: [Segment] = []
    for element in elements { result.append(try segment(of: element, split)) }
    return result
  }

  private func segment(of node: ConfigNode, _ split: String) throws(GridError) -> Segment {
    try segment(
      node.mapping(split, "a segment such as {examples: 1000}, or a list of segments"), split)
  }

  private func segment(_ entries: [ConfigEntry], _ split: String) throws(GridError) -> Segment {
    let overrides = try segmentSettings.read(entries)
    let values = try settings.complete(given.merging(overrides) { $1 }, at: position).values
    let node = entries.first { $0.key == "examples" }?.value
    var examples = split == "train" ? nil : Self.defaultExamples
    if let node { examples = try Self.examples(node) }
    return Segment(
      configuration: SegmentConfiguration(settings: values, examples: examples), entries: entries,
      examplesPosition: node?.position)
  }

  private static func examples(_ node: ConfigNode) throws(GridError) -> Int {
    let kind = Setting.Kind.integer(1...1_000_000_000)
    let found = try node.settingValue("examples", kind.expectation)
    guard case .integer(let examples) = kind.normalised(found) else {
      throw node.wrong("examples", kind.expectation)
    }
    return examples
  }

  private func checkTraining(_ segments: [Segment]) throws(GridError) {
    guard let fixed = segments.first(where: { $0.configuration.examples != nil }),
      segments.contains(where: { $0.configuration.examples == nil })
    else { return }
    throw GridError(
      fixed.examplesPosition ?? position, "some training segments are fixed and some are streams",
      help: "give 'examples' to every training segment or to none")
  }

  private func check(
    _ segment: Segment, _ check: GridCatalog.TaskCheck?
  ) throws(GridError) {
    do {
      try check?(entry.name, segment.configuration.settings)
    } catch {
      let node = (segment.entries + entries).first { $0.key == error.setting }
      throw GridError(node?.value.position, of: position, together: error)
    }
  }
}
