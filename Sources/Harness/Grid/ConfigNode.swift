import Configuration

/// A value of a grid file with its place, so that every fault can be reported where it is.
///
/// It is the whole of YAML that grids use: scalars, lists and mappings with text keys.
struct ConfigNode: Sendable, Hashable {
  enum Content: Sendable, Hashable {
    case empty
    case scalar(SettingValue)
    case list([ConfigNode])
    case mapping([ConfigEntry])
  }

  var content: Content
  var position: SourcePosition

  init(_ content: Content, at position: SourcePosition) {
    self.content = content
    self.position = position
  }
}

/// A key of a mapping and its value.
struct ConfigEntry: Sendable, Hashable {
  var key: String
  var keyPosition: SourcePosition
  var value: ConfigNode
}

extension ConfigNode {
  /// The entries of a mapping; nil for anything else.
  var entries: [ConfigEntry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  /// The elements of a list; nil for anything else.
  var elements: [ConfigNode]? {
    if case .list(let elements) = content { elements } else { nil }
  }

  /// The text of a scalar that is neither a number nor a flag.
  var text: String? {
    if case .scalar(.text(let text)) = content { text } else { nil }
  }

  /// The entry of a mapping with the given key.
  func entry(_ key: String) -> ConfigEntry? {
    entries?.first { $0.key == key }
  }

  /// The value of a mapping for the given key.
  subscript(key: String) -> ConfigNode? { entry(key)?.value }

  /// Whether the node is written like a range; a range is one value, not a mapping of two.
  var isRange: Bool {
    guard let entries, !entries.isEmpty else { return false }
    return entries.allSatisfy { $0.key == "from" || $0.key == "to" }
  }

  /// Whether the place lies in the node, its keys included.
  func contains(_ place: SourcePosition) -> Bool {
    if position == place { return true }
    switch content {
    case .empty, .scalar: return false
    case .list(let elements): return elements.contains { $0.contains(place) }
    case .mapping(let entries):
      return entries.contains { $0.keyPosition == place || $0.value.contains(place) }
    }
  }

  /// What was found, for messages.
  var found: String {
    switch content {
    case .empty: "empty"
    case .scalar(.text(let text)): "the text \"\(text.shortened)\""
    case .scalar(let value): value.description
    case .list(let elements): elements.isEmpty ? "an empty list" : "a list"
    case .mapping(let entries):
      isRange ? rangeText : entries.isEmpty ? "an empty mapping" : "a mapping"
    }
  }

  private var rangeText: String {
    let ends = (entries ?? []).map { "\($0.key): \($0.value.found)" }
    return "{" + ends.joined(separator: ", ") + "}"
  }
}

extension ConfigNode {
  /// The error for a node that is not what its key needs.
  func wrong(_ key: String, _ expectation: String) -> GridError {
    GridError(position, "'\(key)' is \(found)", help: "it must be \(expectation)")
  }

  /// The entries of a mapping, or an error that names the key.
  func mapping(_ key: String, _ expectation: String) throws(GridError) -> [ConfigEntry] {
    guard let entries, !isRange else { throw wrong(key, expectation) }
    return entries
  }

  /// The node as the value of a setting: a scalar or a range.
  func settingValue(_ key: String, _ expectation: String) throws(GridError) -> SettingValue {
    switch content {
    case .scalar(let value): return value
    case .mapping(let entries) where isRange: return try range(key, entries)
    case .list:
      throw GridError(
        position, "'\(key)' is \(found)",
        help: "it must be \(expectation); a list is an axis only under 'product', 'each', 'zip' "
          + "and 'tune'")
    default: throw wrong(key, expectation)
    }
  }

  private func range(_ key: String, _ entries: [ConfigEntry]) throws(GridError) -> SettingValue {
    let from = try end("from", of: key)
    let to = try end("to", of: key)
    guard from <= to else {
      throw GridError(
        position, "'\(key)' is a range that ends before it starts",
        help: "write {from: \(to), to: \(from)}")
    }
    return .range(from...to)
  }

  private func end(_ name: String, of key: String) throws(GridError) -> Int {
    guard let node = self[name] else {
      throw GridError(
        position, "the range '\(key)' has no '\(name)'", help: "write {from: 3, to: 40}")
    }
    guard case .scalar(let value) = node.content,
      case .integer(let end) = Setting.Kind.integer(.min ... .max).normalised(value)
    else { throw node.wrong(name, "a whole number") }
    return end
  }
}
