import Configuration
package import DataSets
import Platform
import Training

/// Answers lines of tokens with lines of predictions, in constant memory.
///
/// A line is `{"index":n,"predictions":[…]}`: the number of the line that it answers, counted from
/// 0, and an entry for every token, null where nothing was asked for. It is what `score` reads.
package struct PredictionStream {
  /// What is asked for.
  package struct Options: Sendable {
    /// Whether lines have the logits, at every position that is asked for.
    package var logits: Bool
    /// How many of the most probable tokens lines have; 0 for none.
    package var top: Int
    /// Lines that are read before they are answered; those of similar length are computed together.
    package var batch: Int

    package init(logits: Bool = false, top: Int = 0, batch: Int = Self.usualBatch) {
      self.logits = logits
      self.top = top
      self.batch = batch
    }

    package static let usualBatch = 1024
  }

  /// How many lines there were, and how many of their targets were met.
  package struct Summary: Sendable, Hashable {
    package var lines = 0
    package var targets = 0
    package var right = 0
  }

  /// Tokens, and numbers of logits, that are in memory at once.
  private static let mostTokens = 1 << 20
  private static let mostLogits = 1 << 24

  private let model: TrainedModel
  private let options: Options

  package init(_ model: TrainedModel, _ options: Options = Options()) {
    self.model = model
    self.options = options
  }

  /// Answers all lines.
  ///
  /// - Parameters:
  ///   - lines: The input.
  ///   - isCancelled: Asked between batches; the answers that are complete are written still.
  ///   - write: Gets the bytes of whole lines, in order.
  /// - Returns: What was answered.
  /// - Throws: `LineError` for a line that is wrong; also what `write` and the device throw.
  package func run(
    _ lines: inout InputLines, isCancelled: () -> Bool = { false },
    write: ([UInt8]) throws -> Void
  ) throws -> Summary {
    var summary = Summary()
    while !isCancelled() {
      let window = try window(of: &lines)
      if window.isEmpty { break }
      let answers = try model.predictor.answers(
        window.map { Predictor.Question(tokens: $0.tokens, positions: $0.positions) },
        wantsLogits: needsLogits, isCancelled: isCancelled)
      if isCancelled() { break }
      var bytes: [UInt8] = []
      for (line, answer) in zip(window, answers) {
        append(line, answer, number: summary.lines, to: &bytes)
        count(line, answer, in: &summary)
      }
      try write(bytes)
    }
    return summary
  }

  private var needsLogits: Bool { options.logits || options.top > 0 }

  /// The next lines, as many as go together.
  private func window(of lines: inout InputLines) throws -> [TokenLine] {
    var window: [TokenLine] = []
    var tokens = 0
    var logits = 0
    while window.count < options.batch, tokens < Self.mostTokens, logits < Self.mostLogits {
      let next = try lines.next { (line) throws(TextProblem) in
        try TokenLine(line, vocabulary: model.file.vocabulary, longest: model.longest)
      }
      guard let next else { break }
      tokens += next.tokens.count
      if needsLogits { logits += next.positions.count * model.file.vocabulary }
      window.append(next)
    }
    return window
  }

  private func count(_ line: TokenLine, _ answer: Predictor.Answer, in summary: inout Summary) {
    summary.lines += 1
    let targets = (line.targets ?? []).compactMap { $0 }
    summary.targets += targets.count
    summary.right += zip(targets, answer.best).count { $0 == $1 }
  }

  // MARK: - Lines

  private func append(
    _ line: TokenLine, _ answer: Predictor.Answer, number: Int, to bytes: inout [UInt8]
  ) {
    var places = [Int?](repeating: nil, count: line.tokens.count)
    for (place, position) in line.positions.enumerated() { places[position] = place }
    bytes.append(raw: "{\"index\":")
    bytes.append(decimal: number)
    append("predictions", places, to: &bytes) { $0.append(decimal: Int(answer.best[$1])) }
    let vocabulary = model.file.vocabulary
    if options.top > 0 {
      append("top", places, to: &bytes) { bytes, place in
        let row = answer.logits[place * vocabulary..<(place + 1) * vocabulary]
        bytes.append(list: TopTokens.most(options.top, of: row)) { bytes, entry in
          bytes.append(UInt8(ascii: "["))
          bytes.append(decimal: entry.token)
          bytes.append(UInt8(ascii: ","))
          bytes.append(number: Float(entry.logProbability))
          bytes.append(UInt8(ascii: "]"))
        }
      }
    }
    if options.logits {
      append("logits", places, to: &bytes) { bytes, place in
        let row = answer.logits[place * vocabulary..<(place + 1) * vocabulary]
        bytes.append(list: row) { $0.append(number: $1) }
      }
    }
    bytes.append(raw: "}\n")
  }

  /// Appends a member with an entry for each token, null where nothing was asked for.
  private func append(
    _ name: StaticString, _ places: [Int?], to bytes: inout [UInt8],
    _ write: (inout [UInt8], Int) -> Void
  ) {
    bytes.append(raw: ",\"")
    bytes.append(raw: name)
    bytes.append(raw: "\":")
    bytes.append(list: places) { bytes, place in
      if let place { write(&bytes, place) } else { bytes.append(raw: "null") }
    }
  }
}

/// The most probable tokens.
enum TopTokens {
  /// The tokens of the greatest logits, with the logarithms of their probabilities; of equal ones
  /// the lower first.
  static func most(
    _ count: Int, of logits: ArraySlice<Float>
  ) -> [(token: Int, logProbability: Double)] {
    let probabilities = Marker.probabilities(ofLogits: logits)
    let row = Array(logits)
    let order = row.indices.sorted { (row[$1], $0) < (row[$0], $1) }
    guard let first = order.first else { return [] }
    // The greatest probability is far from 0, so that all logarithms are exact from there.
    let greatest = -Marker.surprise(probabilities[first])
    return order.prefix(count).map { ($0, greatest + Double(row[$0]) - Double(row[first])) }
  }
}

extension [UInt8] {
  /// Appends a number in the fewest digits that give it back; what is none in Python's words.
  fileprivate mutating func append(number: Float) {
    if number.isFinite {
      append(contentsOf: number.description.utf8)
    } else {
      append(contentsOf: (number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity").utf8)
    }
  }
}
