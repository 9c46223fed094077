import Configuration

/// Reads settings by their declarations, with every fault at its own place.
struct SettingsReader {
  let declared: [Setting]
  /// Whose settings they are, for messages: "task mqar".
  let owner: String
  /// Further keys that are right here and are read by the caller.
  var otherKeys: [String] = []

  /// The values that the entries give, in their normal form.
  func read(_ entries: [ConfigEntry]) throws(GridError) -> [String: SettingValue] {
    var values: [String: SettingValue] = [:]
    for entry in entries where !otherKeys.contains(entry.key) {
      values[entry.key] = try value(of: entry)
    }
    return values
  }

  /// The given values with the defaults for all others.
  func complete(_ given: [String: SettingValue], at position: SourcePosition) throws(GridError)
    -> SettingValues
  {
    do {
      return try SettingValues(given, declared: declared, of: owner)
    } catch {
      throw GridError(position, error.problem, help: error.help)
    }
  }

  private func value(of entry: ConfigEntry) throws(GridError) -> SettingValue {
    guard let setting = declared.first(where: { $0.name == entry.key }) else {
      let error = SettingValues.unknown(
        entry.key.shortened, among: otherKeys + declared.map(\.name), of: owner)
      throw GridError(entry.keyPosition, error.problem, help: error.help)
    }
    let expectation = setting.kind.expectation
    let found = try entry.value.settingValue(entry.key, expectation)
    guard let value = setting.kind.normalised(found) else {
      throw entry.value.wrong(entry.key, expectation)
    }
    return value
  }
}

/// A name for tables, and where it was given.
struct ConfigLabel: Sendable, Hashable {
  static let maximumLength = 64

  let text: String
  let position: SourcePosition

  init(_ node: ConfigNode) throws(GridError) {
    text = try Self.line(node, "label", of: 1...Self.maximumLength)
    position = node.position
  }

  /// A text of printable characters on one line.
  static func line(
    _ node: ConfigNode, _ key: String, of length: ClosedRange<Int>
  ) throws(GridError) -> String {
    let expectation =
      length.lowerBound > 0
      ? "a text of \(length.lowerBound) to \(length.upperBound) printable characters"
      : "one line of at most \(length.upperBound) printable characters"
    guard case .scalar(let value) = node.content else { throw node.wrong(key, expectation) }
    // A label may look like a number or a flag; any scalar is a text here.
    let text = value.description
    guard length.contains(text.count), text.first?.isWhitespace != true,
      text.last?.isWhitespace != true, text.unicodeScalars.allSatisfy(\.isPrintable)
    else { throw node.wrong(key, expectation) }
    return text
  }
}
