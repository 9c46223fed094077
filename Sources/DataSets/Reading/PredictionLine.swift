package import Platform
package import TaskGenerators

/// What a model that was trained elsewhere answers to one example, as a line of JSON has it.
///
/// ```json
/// {"index": 17, "predictions": [31, 40]}
/// {"index": 17, "predictions": [null, null, 31, null, 40]}
/// ```
///
/// `predictions` has the token at each scored position in order, or an entry for every token of the
/// example, of which those at the scored positions count. `index` is the number of the example,
/// counted from 0; without it the lines are in the order of the examples. A line may be the list
/// alone.
///
/// For the cross-entropy and for metrics of distributions a line has one of these beside or instead
/// of `predictions`, with one entry for each scored position or for each token, too:
///
/// | member | an entry is |
/// |---|---|
/// | `logits` | a list with a number for every token of the vocabulary |
/// | `logProbabilities` | the same, natural logarithms of probabilities |
/// | `probabilities` | the same, probabilities |
/// | `losses` | the cross-entropy of the right token in nats: a number |
///
/// Without `predictions` the most probable token is the answer. What else a line has is read over.
package struct PredictionLine: Sendable, Hashable {
  /// The kinds of what is known beside the answers.
  package enum Knowledge: String, Sendable, CaseIterable {
    case logits, logProbabilities, probabilities, losses
  }

  /// The example that the line names.
  package private(set) var index: Int?
  /// What it says beside the answers; nil for nothing.
  package private(set) var knowledge: Knowledge?
  private var predictions: [Int?]?
  /// Distributions, or losses in lists of one; nil for null.
  private var entries: [[Double]?] = []

  /// Reads a line without knowing the example that it belongs to.
  ///
  /// - Throws: `TextProblem`.
  package init(_ line: [UInt8]) throws(TextProblem) {
    var cursor = JSONCursor(line)
    switch cursor.kind() {
    case .list: predictions = try Self.tokens(&cursor)
    case .object:
      try cursor.members { (cursor, name) throws(TextProblem) in
        try read(name, &cursor)
      }
    default:
      throw TextProblem(#"a line must be {"index":n,"predictions":[…]} or a list of tokens"#)
    }
    try cursor.end()
    guard predictions != nil || knowledge != nil else {
      throw TextProblem("'predictions' is missing")
    }
    guard predictions != nil || knowledge != .losses else {
      throw TextProblem("'losses' say nothing of the answers; 'predictions' is missing")
    }
  }

  private mutating func read(
    _ name: String, _ cursor: inout JSONCursor
  ) throws(TextProblem) {
    if name == "predictions" {
      predictions = try Self.tokens(&cursor)
    } else if name == "index" {
      let index = try cursor.integer()
      guard index >= 0 else { throw TextProblem("'index' is \(index)") }
      self.index = index
    } else if let found = Knowledge(rawValue: name) {
      if let knowledge {
        throw TextProblem("'\(knowledge.rawValue)' and '\(name)' say the same; give one of them")
      }
      knowledge = found
      try cursor.elements { (cursor) throws(TextProblem) in
        entries.append(cursor.acceptsNull() ? nil : try Self.numbers(&cursor, found))
      }
    } else {
      try cursor.skip()
    }
  }

  private static func tokens(_ cursor: inout JSONCursor) throws(TextProblem) -> [Int?] {
    var tokens: [Int?] = []
    try cursor.elements { (cursor) throws(TextProblem) in
      tokens.append(cursor.acceptsNull() ? nil : try cursor.integer())
    }
    return tokens
  }

  private static func numbers(
    _ cursor: inout JSONCursor, _ knowledge: Knowledge
  ) throws(TextProblem) -> [Double] {
    guard knowledge != .losses else { return [try cursor.number()] }
    var numbers: [Double] = []
    try cursor.elements { (cursor) throws(TextProblem) in numbers.append(try cursor.number()) }
    return numbers
  }
}

extension PredictionLine {
  /// The answers to the scored positions of the example that the line belongs to.
  package struct Answers: Sendable, Hashable {
    /// The token answered at each target.
    package var best: [Int32]
    /// The cross-entropy of each target; nil where the line does not say.
    package var losses: [Double]?
    /// The probabilities of all tokens at each target; nil where the line does not say.
    package var probabilities: [[Double]]?
  }

  /// Checks the line against its example.
  ///
  /// - Parameters:
  ///   - example: The example.
  ///   - vocabulary: The number of token ids.
  /// - Returns: The answers at the scored positions.
  /// - Throws: `TextProblem`.
  package func answers(
    to example: Example, vocabulary: Int
  ) throws(TextProblem) -> Answers {
    let distributions = try distributions(for: example, vocabulary)
    return Answers(
      best: try best(for: example, vocabulary) ?? (distributions ?? []).map(\.best),
      losses: try losses(for: example, distributions),
      probabilities: distributions.map { $0.map(\.probabilities) })
  }

  private func best(
    for example: Example, _ vocabulary: Int
  ) throws(TextProblem) -> [Int32]? {
    guard let predictions else { return nil }
    let tokens = try Self.aligned(predictions, to: example, "predictions")
    if let place = tokens.firstIndex(where: { !(0..<vocabulary).contains($0) }) {
      throw TextProblem(
        "prediction \(place) is \(tokens[place]), outside the vocabulary 0…\(vocabulary - 1)")
    }
    return tokens.map(Int32.init)
  }

  private func losses(
    for example: Example, _ distributions: [Distribution]?
  ) throws(TextProblem) -> [Double]? {
    if let distributions {
      return zip(example.targets, distributions).map { $1.loss(of: $0.token) }
    }
    guard knowledge == .losses else { return nil }
    let losses = try Self.aligned(entries, to: example, "losses").map { $0[0] }
    if let place = losses.firstIndex(where: { !($0 >= 0) }) {
      throw TextProblem("loss \(place) is \(losses[place]); it must be a number of at least 0")
    }
    return losses
  }

  private func distributions(
    for example: Example, _ vocabulary: Int
  ) throws(TextProblem) -> [Distribution]? {
    guard let knowledge, knowledge != .losses else { return nil }
    let rows = try Self.aligned(entries, to: example, knowledge.rawValue)
    var distributions: [Distribution] = []
    for (place, row) in rows.enumerated() {
      guard row.count == vocabulary else {
        throw TextProblem(
          "entry \(place) of '\(knowledge.rawValue)' has \(row.count) numbers, the vocabulary "
            + "\(vocabulary)")
      }
      do throws(TextProblem) {
        distributions.append(try Distribution(row, given: knowledge))
      } catch {
        throw TextProblem("entry \(place) of '\(knowledge.rawValue)' \(error)")
      }
    }
    return distributions
  }

  /// The entries at the scored positions, of a list that has them alone or one for every token.
  private static func aligned<Entry>(
    _ entries: [Entry?], to example: Example, _ name: String
  ) throws(TextProblem) -> [Entry] {
    let scored = example.targets.count
    guard entries.count == scored || entries.count == example.tokens.count else {
      throw TextProblem(
        "'\(name)' has \(entries.count) entries; the example has \(scored) scored positions and "
          + "\(example.tokens.count) tokens")
    }
    let isDense = entries.count != scored
    var result: [Entry] = []
    for (place, target) in example.targets.enumerated() {
      guard let entry = entries[isDense ? Int(target.position) : place] else {
        throw TextProblem("'\(name)' has null at the scored position \(target.position)")
      }
      result.append(entry)
    }
    return result
  }
}
