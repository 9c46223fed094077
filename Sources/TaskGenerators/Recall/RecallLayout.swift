import Configuration

/// Where things stand in an example of `mqar`, and which ids they have.
///
/// An entry is a key of one or two parts and its value. The context is the entries of all pairs
/// and updates, repeated; the question part is slots as wide as an entry, and at most as many
/// tokens of rest as do not fill one.
struct RecallLayout: Sendable {
  let vocabulary: Int
  let length: Int
  let pairs: Int
  let updates: Int
  let parts: Int
  let repeats: Int
  /// The side of the grid of two-part keys.
  let side: Int

  init(settings: SettingValues) {
    vocabulary = settings.integer("vocabulary")
    length = settings.integer("length")
    pairs = settings.integer("pairs")
    updates = settings.integer("updates")
    parts = settings.integer("composition")
    repeats = settings.integer("repeats")
    var side = 1
    while (side + 1) * (side + 1) <= pairs { side += 1 }
    self.side = side
  }

  var entryWidth: Int { parts + 1 }
  var entries: Int { pairs + updates }
  var contextLength: Int { entryWidth * entries * repeats }
  var slotCount: Int { (length - contextLength) / entryWidth }

  func start(ofSlot slot: Int) -> Int { contextLength + entryWidth * slot }

  /// The number of ids that make the keys, for each part: all pairs, or one side of the grid.
  var idsPerPart: Int { parts == 1 ? pairs : side }

  /// The ids that a part of a key is drawn from.
  func pool(ofPart part: Int) -> Range<Int> {
    let pools = parts + 1
    return max(1, part * vocabulary / pools)..<(part + 1) * vocabulary / pools
  }

  /// The ids that values are drawn from.
  var valuePool: Range<Int> { parts * vocabulary / (parts + 1)..<vocabulary }

  /// The number of ids that are a key's part or a value of an example.
  var usedIds: Int { parts * idsPerPart + entries }

  /// Checks that the settings are possible together.
  ///
  /// - Throws: `SettingError` that names the setting and says what would be right.
  func check(needsCleanFiller: Bool) throws(SettingError) {
    try checkShape()
    try checkLength()
    try checkVocabulary(needsCleanFiller: needsCleanFiller)
  }

  private func checkShape() throws(SettingError) {
    if parts == 1, length % 2 != 0 {
      throw SettingError(
        "length", "'length' is \(length)", help: "it must be even: keys stand in two-token slots")
    }
    if parts == 2, side * side != pairs {
      throw SettingError(
        "pairs", "'pairs' is \(pairs) with two-part keys",
        help: "it must be a square, such as \(side * side) or \((side + 1) * (side + 1))")
    }
  }

  private func checkLength() throws(SettingError) {
    let cost = "\(2 * entryWidth) tokens a pair"
    guard 2 * entryWidth * pairs <= length else {
      throw SettingError(
        "pairs", "'pairs' is \(pairs) with 'length' \(length)",
        help: "at most \(length / (2 * entryWidth)) fit (\(cost)), "
          + "or 'length' must be at least \(2 * entryWidth * pairs)")
    }
    guard entryWidth * (entries + pairs) <= length else {
      throw SettingError(
        "updates", "'updates' is \(updates) with 'pairs' \(pairs) and 'length' \(length)",
        help: "at most \(length / entryWidth - 2 * pairs) fit, "
          + "or 'length' must be at least \(entryWidth * (entries + pairs))")
    }
    guard contextLength + entryWidth * pairs <= length else {
      throw SettingError(
        "repeats", "'repeats' is \(repeats) with a context of \(entryWidth * entries) tokens",
        help: "at most \((length - entryWidth * pairs) / (entryWidth * entries)) fit, "
          + "or 'length' must be at least \(contextLength + entryWidth * pairs)")
    }
  }

  private func checkVocabulary(needsCleanFiller: Bool) throws(SettingError) {
    let smallestPool = (0..<parts).map { pool(ofPart: $0).count }.min() ?? 0
    guard idsPerPart <= smallestPool, entries <= valuePool.count else {
      throw SettingError(
        "vocabulary", "'vocabulary' is \(vocabulary)",
        help: "\(pairs) distinct keys and \(entries) distinct values need at least "
          + "\((parts + 1) * max(idsPerPart + 1, entries))")
    }
    // A filler of one id only would not be random, and drawing it must end.
    guard !needsCleanFiller || vocabulary - usedIds >= 2 else {
      throw SettingError(
        "vocabulary", "'vocabulary' is \(vocabulary)",
        help: "filler 'clean' needs two ids that are no key or value, so at least \(usedIds + 2)")
    }
  }
}
