import Configuration

/// The ids and sizes of `fuzzy-recall`.
///
/// The ids: keys' tokens, values' tokens, padding, and with `last` the marker.
struct MotifStream: Sendable {
  let vocabulary: Int
  let length: Int
  let keyLength: ClosedRange<Int>
  let valueLength: ClosedRange<Int>
  let scored: PairStream.Scored
  let repeats: Int

  init(settings: SettingValues) throws(SettingError) {
    vocabulary = settings.integer("vocabulary")
    length = settings.integer("length")
    keyLength = settings.integers("keyLength")
    valueLength = settings.integers("valueLength")
    scored = PairStream.Scored(rawValue: settings.text("scored")) ?? .repeats
    repeats = settings.integer("repeats")
    try check()
  }

  private func check() throws(SettingError) {
    guard keyCount >= keyLength.upperBound, valueIds.count >= valueLength.upperBound else {
      let most = max(keyLength.upperBound, valueLength.upperBound)
      throw SettingError(
        "vocabulary", "'vocabulary' is \(vocabulary)",
        help: "motifs of up to \(most) different tokens need at least \(2 * most + specials)")
    }
    guard length >= 2 * longestPair else {
      throw SettingError(
        "length", "'length' is \(length)",
        help: "a pair and its question, \(longestPair) tokens each, need at least "
          + "\(2 * longestPair)")
    }
    guard scored == .last || repeats == 1 else {
      throw SettingError(
        "repeats", "'repeats' is \(repeats) with 'scored' repeats",
        help: "questions stand in the context there, so 'repeats' must be 1 or 'scored' last")
    }
  }

  private var specials: Int { markers + 1 }
  /// The tokens between the context and the last question: the marker or nothing.
  var markers: Int { scored == .last ? 1 : 0 }
  private var contentCount: Int { vocabulary - specials }
  var keyCount: Int { contentCount / 2 }
  var valueIds: Range<Int> { contentCount / 2..<contentCount }
  var padding: Int32 { Int32(contentCount) }
  var marker: Int32 { Int32(vocabulary - 1) }

  var longestPair: Int { keyLength.upperBound + valueLength.upperBound }

  /// The tokens of the last question, whose value stands in the input but for its last token.
  func questionLength(key: Int, value: Int) -> Int { markers + key + value - 1 }

  var maximumLength: Int {
    let question = questionLength(key: keyLength.lowerBound, value: valueLength.lowerBound)
    return repeats * (length - question) + question
  }

  var maximumTargets: Int {
    guard scored == .repeats else { return valueLength.upperBound }
    // A repeated pair of k + v tokens brings v targets.
    return length * valueLength.upperBound / (keyLength.lowerBound + valueLength.upperBound)
      + valueLength.upperBound
  }
}
