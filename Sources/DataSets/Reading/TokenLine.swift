package import Platform

/// A sequence to predict, as a line of JSON has it.
///
/// `{"tokens":[…]}`, or the list alone; also the lines that `generate` writes, whose `targets` say
/// which positions are asked for. What else a line has is read over.
package struct TokenLine: Sendable, Hashable {
  package var tokens: [Int32] = []
  /// One entry for each token, nil where nothing is asked for; nil where the line has none.
  package var targets: [Int32?]?

  /// Reads a line.
  ///
  /// - Parameters:
  ///   - line: The line.
  ///   - vocabulary: The number of token ids that the model knows.
  ///   - longest: The most tokens that it takes.
  /// - Throws: `TextProblem`.
  package init(_ line: [UInt8], vocabulary: Int, longest: Int) throws(TextProblem) {
    var cursor = JSONCursor(line)
    if cursor.kind() == .list {
      tokens = try Self.tokens(&cursor, vocabulary)
    } else {
      try readMembers(&cursor, vocabulary)
    }
    try cursor.end()
    guard !tokens.isEmpty else { throw TextProblem("there are no tokens") }
    guard tokens.count <= longest else {
      throw TextProblem("\(tokens.count) tokens are too many; the model takes \(longest)")
    }
    guard targets == nil || targets?.count == tokens.count else {
      throw TextProblem("\(tokens.count) tokens have \(targets?.count ?? 0) targets")
    }
  }

  private mutating func readMembers(
    _ cursor: inout JSONCursor, _ vocabulary: Int
  ) throws(TextProblem) {
    guard cursor.kind() == .object else {
      throw TextProblem(#"a line must be {"tokens":[…]} or a list of tokens"#)
    }
    var tokens: [Int32]?
    var targets: [Int32?]?
    try cursor.members { (cursor, name) throws(TextProblem) in
      switch name {
      case "tokens": tokens = try Self.tokens(&cursor, vocabulary)
      case "targets" where cursor.acceptsNull(): targets = nil
      case "targets":
        var list: [Int32?] = []
        try cursor.elements { (cursor) throws(TextProblem) in
          list.append(
            cursor.acceptsNull() ? nil : try cursor.token(vocabulary, "target \(list.count)"))
        }
        targets = list
      default: try cursor.skip()
      }
    }
    guard let tokens else { throw TextProblem("'tokens' is missing") }
    self.tokens = tokens
    self.targets = targets
  }

  private static func tokens(
    _ cursor: inout JSONCursor, _ vocabulary: Int
  ) throws(TextProblem) -> [Int32] {
    var tokens: [Int32] = []
    try cursor.elements { (cursor) throws(TextProblem) in
      tokens.append(try cursor.token(vocabulary, "token \(tokens.count)"))
    }
    return tokens
  }

  /// The positions that are asked for: those with a target, or all where there are no targets.
  package var positions: [Int] {
    guard let targets else { return Array(tokens.indices) }
    return targets.indices.filter { targets[$0] != nil }
  }
}

extension JSONCursor {
  /// Reads a token of a vocabulary; `what` names it in messages, counted from 0.
  mutating func token(
    _ vocabulary: Int, _ what: @autoclosure () -> String
  ) throws(TextProblem) -> Int32 {
    let token = try integer()
    guard (0..<vocabulary).contains(token) else {
      throw TextProblem("\(what()) is \(token), outside the vocabulary 0…\(vocabulary - 1)")
    }
    return Int32(token)
  }
}
