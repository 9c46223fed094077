import Configuration

/// A model as a grid asks for it; its width may have to be solved for.
struct ModelRequest: Sendable {
  /// What makes two requests the same model.
  struct Identity: Sendable, Hashable {
    let mixers: [MixerConfiguration]
    /// All settings but a width that is solved for.
    let settings: [String: SettingValue]
    let match: MatchTarget?
  }

  let identity: Identity
  let label: ConfigLabel?
  /// The complete settings; the width among them has no meaning where it is solved for.
  let settings: SettingValues
  /// The places of the values that are given, by setting; the mixers' after the model's.
  let places: [String: SourcePosition]
  /// Where the first mixer is named.
  let position: SourcePosition
  let matchPosition: SourcePosition?

  /// The same model with a label.
  func labelled(_ label: ConfigLabel) -> ModelRequest {
    ModelRequest(
      identity: identity, label: label, settings: settings, places: places, position: position,
      matchPosition: matchPosition)
  }
}

/// Reads the `model` of a cell.
struct ModelReader {
  static let keys = ["mixer"] + ModelConfiguration.declared.map(\.name) + ["match", "label"]
  static let maximumPattern = 256

  let catalog: GridCatalog

  /// Reads a model.
  ///
  /// - Parameters:
  ///   - node: The model.
  ///   - isComplete: False for a baseline, which axes may still complete.
  /// - Returns: The model, checked word by word.
  /// - Throws: `GridError` for an unknown or wrong word.
  func request(_ node: ConfigNode, isComplete: Bool = true) throws(GridError) -> ModelRequest {
    let entries = try node.mapping("model", "a mapping such as {mixer: attention, width: 64}")
    let reader = SettingsReader(
      declared: ModelConfiguration.declared, owner: "model", otherKeys: ["mixer", "match", "label"])
    let given = try reader.read(entries)
    var places = Dictionary(
      entries.map { ($0.key, $0.value.position) }, uniquingKeysWith: { first, _ in first })
    let mixers = try self.mixers(node, isComplete: isComplete, places: &places)
    let match = try self.match(node["match"])
    if let match, let width = node["width"] {
      throw GridError(
        width.position, "'width' is solved for to reach \(match)",
        help: "give 'width' or 'match', not both")
    }
    let settings = try reader.complete(given, at: node.position)
    if isComplete { try checkPattern(node, mixers.count, layers: settings.integer("layers")) }
    var identity = settings.values
    if match != nil { identity["width"] = nil }
    let label: ConfigLabel?
    if let node = node["label"] { label = try ConfigLabel(node) } else { label = nil }
    return ModelRequest(
      identity: .init(mixers: mixers, settings: identity, match: match), label: label,
      settings: settings, places: places, position: node["mixer"]?.position ?? node.position,
      matchPosition: node["match"]?.position)
  }

  private func checkPattern(
    _ node: ConfigNode, _ count: Int, layers: Int
  ) throws(GridError) {
    guard count > layers else { return }
    throw GridError(
      node["mixer"]?.position ?? node.position,
      "the pattern has \(count) mixers for \(layers) layer\(layers == 1 ? "" : "s")",
      help: "every mixer of the pattern needs a layer", fault: .combination)
  }
}

// MARK: - Mixers

extension ModelReader {
  private func mixers(
    _ model: ConfigNode, isComplete: Bool, places: inout [String: SourcePosition]
  ) throws(GridError) -> [MixerConfiguration] {
    guard let node = model["mixer"] else {
      guard isComplete else { return [] }
      throw GridError(
        model.position, "the model has no mixer", help: "write 'mixer: attention' in it")
    }
    guard let elements = node.elements else {
      return try [mixer(node, requiresName: isComplete, places: &places)].compactMap(\.self)
    }
    guard (1...Self.maximumPattern).contains(elements.count) else {
      throw node.wrong("mixer", "a pattern of 1 to \(Self.maximumPattern) mixers")
    }
    var result: [MixerConfiguration] = []
    for element in elements {
      if let mixer = try mixer(element, requiresName: true, places: &places) {
        result.append(mixer)
      }
    }
    return result
  }

  private func mixer(
    _ node: ConfigNode, requiresName: Bool, places: inout [String: SourcePosition]
  ) throws(GridError) -> MixerConfiguration? {
    let expectation = "a mixer's name, a mapping with its 'name' and settings, or a list of these"
    let entries = node.text == nil ? try node.mapping("mixer", expectation) : []
    guard let nameNode = node.text == nil ? node["name"] : node else {
      guard requiresName else { return nil }
      throw GridError(
        node.position, "the mixer has no name", help: "write 'name: attention' in it")
    }
    guard let name = nameNode.text else { throw nameNode.wrong("name", "a mixer's name") }
    guard let entry = catalog.mixers.first(where: { $0.name == name }) else {
      throw GridError.unknown(
        nameNode.position, "mixer", name, known: catalog.mixers.map(\.name),
        listing: "see 'hysteresis list architectures'")
    }
    let reader = SettingsReader(
      declared: entry.settings, owner: "mixer \(name)", otherKeys: ["name"])
    let given = try reader.read(entries)
    for entry in entries where places[entry.key] == nil {
      places[entry.key] = entry.value.position
    }
    return MixerConfiguration(
      name: name, settings: try reader.complete(given, at: nameNode.position).values)
  }
}

// MARK: - Match

extension ModelReader {
  private func match(_ node: ConfigNode?) throws(GridError) -> MatchTarget? {
    guard let node else { return nil }
    let names = MatchTarget.Quantity.allCases.map(\.rawValue)
    let entries = try node.mapping("match", "{stateBytes: 32768} or {parameters: 200000}")
    let kind = Setting.Kind.integer(1...1_000_000_000_000)
    let reader = SettingsReader(
      declared: names.map { Setting($0, kind, default: .integer(1), "") }, owner: "match")
    let given = try reader.read(entries)
    guard let (name, value) = given.first, given.count == 1,
      let quantity = MatchTarget.Quantity(rawValue: name), case .integer(let value) = value
    else {
      throw GridError(
        node.position, "'match' has \(given.count) targets",
        help: "it must have one: {stateBytes: 32768} or {parameters: 200000}")
    }
    return MatchTarget(quantity, value)
  }
}
