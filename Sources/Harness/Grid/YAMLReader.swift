import Configuration
import Yams

/// Turns the text of a grid into nodes with places.
///
/// Nothing else in the suite knows YAML. Grids use the plain part of it: no anchors, aliases, merge
/// keys, tags or second documents.
struct YAMLReader {
  /// More than any grid needs, and little enough to be read at once.
  static let maximumBytes = 256 * 1024
  static let maximumDepth = 16
  static let maximumScalar = 200

  /// The name of the file for messages, or the option that the text comes from.
  let source: String
  /// Whether places have lines; the text of an option has none.
  var hasLines = true

  /// Reads a text; nil where it holds nothing but comments.
  func read(_ text: String) throws(GridError) -> ConfigNode? {
    var text = text
    if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
    guard text.utf8.count <= Self.maximumBytes else {
      throw GridError(
        position(1, 1), "the text has \(text.utf8.count) bytes",
        help: "at most \(Self.maximumBytes) are read")
    }
    try refuseAliasBombs(text)
    do {
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      // Nodes hold their anchors weakly, and the parser keeps them.
      return try withExtendedLifetime(parser) { () throws -> ConfigNode? in
        try parser.singleRoot().map { try convert($0, depth: 0) }
      }
    } catch let error as GridError {
      throw error
    } catch {
      throw refusal(of: error, in: text)
    }
  }

  private func position(_ line: Int, _ column: Int) -> SourcePosition {
    hasLines ? SourcePosition(source, line: line, column: column) : SourcePosition(source)
  }

  private func position(_ mark: Mark?) -> SourcePosition {
    position(mark?.line ?? 1, mark?.column ?? 1)
  }

  /// Refuses a text with so many aliases that expanding them could take for ever.
  ///
  /// The parser hashes mapping keys with their aliases expanded before it hands out any node. Up
  /// to the limit the expansion is less than a hundred times the text; the parser's own nodes then
  /// show every alias at its place. The signs are counted wherever they could be aliases, because
  /// only the parser knows which of them are in quotes or comments.
  private func refuseAliasBombs(_ text: String) throws(GridError) {
    var (line, column, count) = (1, 0, 0)
    var before: Unicode.Scalar = "\n"
    var previous: Unicode.Scalar = "\n"
    for scalar in text.unicodeScalars {
      if previous == "*", !scalar.properties.isWhitespace, Self.aliasStarts.contains(before) {
        count += 1
      }
      guard count <= Self.maximumAliasSigns else {
        throw GridError(
          position(line, column), "more than \(Self.maximumAliasSigns) words start with '*'",
          help: "that marks an alias, and aliases are not part of the grid format")
      }
      column += 1
      if scalar == "\n" { (line, column) = (line + 1, 0) }
      (before, previous) = (previous, scalar)
    }
  }

  private static let maximumAliasSigns = 12
  /// What an alias can follow.
  private static let aliasStarts = Array("\r\n\t [{,:?-".unicodeScalars)
  private static let aliasMessage = "anchors and aliases (&, *) are not part of the grid format"
  private static let aliasHelp = "write the value out, or put a text with these signs in quotes"
}

// MARK: - Nodes

extension YAMLReader {
  private func convert(_ node: Node, depth: Int) throws(GridError) -> ConfigNode {
    let place = position(node.mark)
    guard node.anchor == nil else {
      throw GridError(place, Self.aliasMessage, help: Self.aliasHelp)
    }
    guard depth < Self.maximumDepth else {
      throw GridError(
        place, "lists and mappings are nested too deeply",
        help: "at most \(Self.maximumDepth) levels are read")
    }
    switch node {
    case .scalar(let scalar):
      return ConfigNode(try content(of: scalar, at: place), at: place)
    case .sequence(let sequence):
      try refuseTag(sequence.tag, but: .seq, at: place)
      var elements: [ConfigNode] = []
      for element in sequence { elements.append(try convert(element, depth: depth + 1)) }
      return ConfigNode(.list(elements), at: place)
    case .mapping(let mapping):
      try refuseTag(mapping.tag, but: .map, at: place)
      return ConfigNode(.mapping(try entries(of: mapping, depth: depth)), at: place)
    case .alias:
      throw GridError(place, Self.aliasMessage, help: Self.aliasHelp)
    }
  }

  private func entries(of mapping: Node.Mapping, depth: Int) throws(GridError) -> [ConfigEntry] {
    var entries: [ConfigEntry] = []
    var seen: Set<String> = []
    for (key, value) in mapping {
      let place = position(key.mark)
      guard case .scalar(let scalar) = key, key.anchor == nil else {
        throw GridError(place, "a key is not a plain text", help: "write 'name: value'")
      }
      try refuse(scalar, at: place)
      guard scalar.string != "<<" else {
        throw GridError(
          place, "merge keys (<<) are not part of the grid format",
          help: "an axis element is merged over the baseline without one")
      }
      guard !scalar.string.isEmpty else {
        throw GridError(place, "a key is empty", help: "write 'name: value'")
      }
      guard seen.insert(scalar.string).inserted else {
        throw GridError(place, "the key '\(scalar.string.shortened)' is given twice")
      }
      entries.append(
        ConfigEntry(
          key: scalar.string, keyPosition: place, value: try convert(value, depth: depth + 1)))
    }
    return entries
  }

  private func content(
    of scalar: Node.Scalar, at place: SourcePosition
  ) throws(GridError) -> ConfigNode.Content {
    try refuse(scalar, at: place)
    guard scalar.style == .plain || scalar.style == .any else {
      return .scalar(.text(scalar.string))
    }
    return PlainScalar.value(of: scalar.string).map { .scalar($0) } ?? .empty
  }

  private func refuse(_ scalar: Node.Scalar, at place: SourcePosition) throws(GridError) {
    try refuseTag(scalar.tag, but: .str, at: place)
    guard scalar.string.unicodeScalars.count <= Self.maximumScalar else {
      throw GridError(
        place, "a text is longer than \(Self.maximumScalar) characters",
        help: "nothing in a grid needs so long a text")
    }
  }

  /// Refuses every tag but the one that the parser itself gives to a node.
  private func refuseTag(
    _ tag: Tag, but own: Tag.Name, at place: SourcePosition
  ) throws(GridError) {
    guard ["", own.rawValue].contains(tag.rawValue) else {
      throw GridError(place, "tags (!) are not part of the grid format", help: "remove it")
    }
  }
}

// MARK: - What is not YAML

extension YAMLReader {
  private func refusal(of error: any Error, in text: String) -> GridError {
    guard let error = error as? YamlError else {
      return GridError(position(1, 1), "not YAML: \(error)")
    }
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _):
      return syntaxError(context, problem, mark, in: text)
    case .composer(_, let problem, let mark, _):
      return composerError(problem, mark)
    case .reader(_, let offset, _, _):
      return characterError(in: text, offset: offset)
    case .duplicatedKeysInMapping(let keys, let context):
      return GridError(
        position(context.mark), "the key '\((keys.first ?? "").shortened)' is given twice",
        help: "this is the first of them")
    default:
      return GridError(position(1, 1), "not YAML")
    }
  }

  private func syntaxError(
    _ context: YamlError.Context?, _ problem: String, _ mark: Mark, in text: String
  ) -> GridError {
    if problem.hasPrefix("Maximum nesting level") {
      return GridError(
        position(mark), "lists and mappings are nested too deeply",
        help: "at most \(Self.maximumDepth) levels are read")
    }
    let isTab = character(of: text, at: mark) == "\t"
    var message = "not YAML: \(problem)"
    if let context, !context.text.isEmpty {
      message += " \(context.text)" + (hasLines ? " from line \(context.mark.line)" : "")
    }
    return GridError(position(mark), message, help: isTab ? "indent with spaces, not tabs" : "")
  }

  private func composerError(_ problem: String, _ mark: Mark) -> GridError {
    if problem.contains("another document") {
      return GridError(
        position(mark), "a second document starts here", help: "a grid is one document")
    }
    return GridError(position(mark), Self.aliasMessage, help: Self.aliasHelp)
  }

  private func characterError(in text: String, offset: Int?) -> GridError {
    let before = text.prefix(offset ?? 0)
    let line = before.count(where: \.isNewline) + 1
    let start = before.lastIndex(where: \.isNewline).map(before.index(after:)) ?? before.startIndex
    let column = before[start...].unicodeScalars.count + 1
    return GridError(position(line, column), "not YAML: control characters are not allowed")
  }

  private func character(of text: String, at mark: Mark) -> Unicode.Scalar? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard mark.line <= lines.count else { return nil }
    return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first
  }
}
