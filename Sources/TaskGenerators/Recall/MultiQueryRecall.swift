public import Configuration
public import Randomness

/// Multi-query associative recall: many key-value pairs, then each key once more.
///
/// Arora et al. 2023, "Zoology: Measuring and improving recall in efficient language models"
/// (ICLR 2024). The context gives K pairs; the question part repeats each key at a place of its
/// own, and the value is the answer there. The places thin out by a power law, so that most keys
/// return soon, as names do in text. `updates` re-assigns keys after the pairs (the latest value
/// is right); `composition: 2` makes a key of two parts, which mean nothing alone; `repeats`
/// shows the context several times (Arora et al. 2024, "Just read twice").
///
///     tokens   k1 v1 k2 v2 | .  .  k2 .  .  .  k1 .
///     target   .  .  .  .  | .  .  v2 .  .  .  v1 .
public struct MultiQueryRecall: TaskGenerator {
  /// What stands where nothing is asked.
  enum Filler: String, CaseIterable { case zero, random, clean }

  public static let info = TaskInfo(
    name: "mqar",
    summary: "multi-query associative recall: key-value pairs, then each key asks for its value",
    picture: """
      tokens   k1 v1 k2 v2 | .  .  k2 .  .  .  k1 .
      target   .  .  .  .  | .  .  v2 .  .  .  v1 .
      """,
    paper: "Arora et al. 2023 (Zoology)",
    version: 1,
    settings: [
      Setting(
        "vocabulary", .integer(4...1_048_576), default: .integer(8192),
        "number of ids V: filler 0, then keys, the upper half values; thirds with two-part keys"),
      Setting("length", .integer(4...1_048_576), default: .integer(64), "tokens L of an example"),
      Setting("pairs", .integer(1...262_144), default: .integer(4), "key-value pairs K"),
      Setting(
        "gapExponent", .number(0...4), default: .number(0.01),
        "a: slot i of the question part has weight i^(a-1); 1 is uniform"),
      Setting(
        "filler", .choice(Filler.allCases.map(\.rawValue)), default: .text(Filler.clean.rawValue),
        "zero: id 0; random: any id, even a key; clean: any id that is no key or value here"),
      Setting(
        "updates", .integer(0...262_144), default: .integer(0),
        "re-assignments U of keys to fresh values; the latest value is right"),
      Setting(
        "composition", .integer(1...2), default: .integer(1),
        "parts of a key; with 2, the keys are a square grid of first and second parts"),
      Setting(
        "repeats", .integer(1...64), default: .integer(1),
        "how often the context is shown before the questions"),
    ],
    slices: ["pairs", "length"],
    metrics: [.exampleAccuracy, .tokenAccuracy])

  public let settings: SettingValues
  let layout: RecallLayout
  let filler: Filler
  /// Draws the slots of the queries, in the order of the keys.
  package let slots: SuccessiveSampler

  public init(settings: SettingValues) throws(SettingError) {
    let filler = Filler(rawValue: settings.text("filler")) ?? .clean
    let layout = RecallLayout(settings: settings)
    try layout.check(needsCleanFiller: filler == .clean)
    self.settings = settings
    self.filler = filler
    self.layout = layout
    slots = SuccessiveSampler(
      powerLaw: settings.number("gapExponent") - 1, count: layout.slotCount)
  }

  public var vocabulary: Int { layout.vocabulary }
  public var maximumLength: Int { layout.length }
  public var maximumTargets: Int { layout.pairs }
  public var chance: Double { 1 / Double(layout.pairs) }

  public func write(using random: inout RandomSource, into example: inout Example) {
    example.reset(length: layout.length)
    example.slices.append(layout.pairs)
    example.slices.append(layout.length)
    example.questionStart = layout.contextLength
    RecallWriter.write(self, using: &random, into: &example)
  }

  /// The latest value of every key that stands where a question may stand.
  ///
  /// With filler `random` a filler at such a place may equal a key by chance. It is not scored,
  /// but nothing in the tokens tells it from a question, so it is answered as one; the scored
  /// positions are then a part of the answers. With the other fillers they are the same.
  public func solve(_ tokens: [Int32]) -> [Target] {
    guard tokens.count == layout.length else { return [] }
    var values: [ArraySlice<Int32>: Int32] = [:]
    for start in stride(from: 0, to: layout.contextLength, by: layout.entryWidth) {
      values[tokens[start..<start + layout.parts]] = tokens[start + layout.parts]
    }
    return (0..<layout.slotCount).compactMap { slot in
      let start = layout.start(ofSlot: slot)
      return values[tokens[start..<start + layout.parts]].map {
        Target(position: start + layout.parts - 1, token: $0)
      }
    }
  }

  /// A random value of the context; with updates the last one, which alone is surely not stale.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    solve(tokens).map { question in
      let entry =
        layout.updates == 0 ? random.uniform(below: layout.pairs) : layout.entries - 1
      let value = tokens[entry * layout.entryWidth + layout.parts]
      return Target(position: Int(question.position), token: value)
    }
  }

  public var baselines: [Baseline] { [guessBaseline(named: "random value of the context")] }

  public func describe(_ example: Example) -> [String] {
    var roles = [String](repeating: "filler", count: example.tokens.count)
    for start in stride(from: 0, to: layout.contextLength, by: layout.entryWidth) {
      for part in 0..<layout.parts { roles[start + part] = "key" }
      roles[start + layout.parts] = "value"
    }
    for target in example.targets {
      for part in 0..<layout.parts { roles[Int(target.position) - part] = "query" }
    }
    return zip(roles, example.tokens).map { "\($0) \($1)" }
  }
}
