import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct MultiQueryRecallTests {
  private func make(_ filler: String, _ numbers: [String: Int]) throws -> MultiQueryRecall {
    try MultiQueryRecall.make(
      numbers.mapValues { .integer($0) }.merging(["filler": .text(filler)]) { $1 })
  }

  /// The tokens at one place of the first entries of the context.
  private func column(
    _ place: Int, of example: Example, entries: Int, width: Int = 2
  ) -> [Int32] {
    (0..<entries).map { (entry: Int) -> Int32 in example.tokens[width * entry + place] }
  }

  // MARK: - Golden examples

  struct Golden: Sendable, CustomTestStringConvertible {
    let filler: String
    let numbers: [String: Int]
    let tokens: [Int32]
    let targets: [Int32: Int32]
    var testDescription: String { filler + " \(numbers.sorted { $0.key < $1.key })" }
  }

  static let golden = [
    Golden(
      filler: "clean", numbers: ["vocabulary": 32, "length": 24, "pairs": 3],
      tokens: [
        10, 29, 6, 25, 8, 28, 6, 5, 18, 18, 9, 27, 10, 16, 24, 3, 18, 1, 27, 0, 22, 15, 8, 13,
      ],
      targets: [6: 25, 12: 29, 22: 28]),
    Golden(
      filler: "zero", numbers: ["vocabulary": 32, "length": 24, "pairs": 3, "updates": 2],
      tokens: [7, 24, 4, 29, 6, 21, 7, 25, 7, 30, 4, 0, 7, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      targets: [10: 29, 12: 30, 14: 21]),
    Golden(
      filler: "random",
      numbers: ["vocabulary": 36, "length": 28, "pairs": 4, "composition": 2],
      tokens: [
        8, 14, 24, 8, 20, 31, 6, 20, 25, 6, 14, 26,
        8, 14, 25, 6, 14, 26, 6, 20, 16, 8, 20, 2, 26, 10, 24, 30,
      ],
      targets: [13: 24, 16: 26, 19: 25, 22: 31]),
  ]

  @Test(arguments: golden)
  func exampleIsTheGoldenOne(_ golden: Golden) throws {
    let example = try make(golden.filler, golden.numbers)
      .example(split: .train, seed: 1, index: 0)
    #expect(example.tokens == golden.tokens)
    #expect(
      Dictionary(uniqueKeysWithValues: example.targets.map { ($0.position, $0.token) })
        == golden.targets)
  }

  // MARK: - Context

  @Test func keysAndValuesAreDistinctAndInTheirHalves() throws {
    for pairs in [3, 12, 15] {
      let task = try make("clean", ["vocabulary": 32, "length": 64, "pairs": pairs])
      for index in 0..<30 {
        let example = task.example(split: .train, seed: 1, index: UInt64(index))
        let keys = Set(column(0, of: example, entries: pairs))
        let values = Set(column(1, of: example, entries: pairs))
        #expect(keys.count == pairs && values.count == pairs)
        #expect(keys.allSatisfy { (1..<16).contains($0) })
        #expect(values.allSatisfy { (16..<32).contains($0) })
      }
    }
  }

  @Test func everyKeyAsksOnceAndTheLatestValueIsRight() throws {
    let task = try make(
      "clean", ["vocabulary": 128, "length": 64, "pairs": 5, "updates": 12, "repeats": 1])
    for index in 0..<30 {
      let example = task.example(split: .train, seed: 1, index: UInt64(index))
      let values = column(1, of: example, entries: 17)
      let keys = column(0, of: example, entries: 17)
      let latest = Dictionary(zip(keys, values), uniquingKeysWith: { $1 })
      #expect(latest.count == 5)
      #expect(Set(values).count == 17)
      let asked = example.targets.map { example.tokens[Int($0.position)] }
      #expect(Set(asked) == Set(latest.keys) && asked.count == 5)
      #expect(zip(asked, example.targets).allSatisfy { latest[$0] == $1.token })
      #expect(example.questionStart == 34)
    }
  }

  @Test func updatesReachEveryKeyAlike() throws {
    let task = try make("zero", ["vocabulary": 64, "length": 64, "pairs": 4, "updates": 8])
    var counts = [0, 0, 0, 0]
    for index in 0..<150 {
      let example = task.example(split: .train, seed: 1, index: UInt64(index))
      let keys = column(0, of: example, entries: 12)
      for update in keys[4...] {
        if let key = keys.firstIndex(of: update) { counts[key] += 1 }
      }
    }
    #expect(counts.reduce(0, +) == 1200)
    #expect(counts.allSatisfy { abs($0 - 300) < 75 })  // five standard deviations
  }

  @Test func repeatsShowTheSameContextAgain() throws {
    let task = try make("clean", ["length": 64, "pairs": 4, "updates": 1, "repeats": 3])
    let example = task.example(split: .train, seed: 1, index: 0)
    #expect(example.questionStart == 30)
    #expect(example.tokens[0..<10] == example.tokens[10..<20])
    #expect(example.tokens[0..<10] == example.tokens[20..<30])
    #expect(task.solve(example.tokens) == example.targets)
  }

  @Test func twoPartKeysAreAGrid() throws {
    let task = try make(
      "clean", ["vocabulary": 60, "length": 64, "pairs": 9, "composition": 2])
    for index in 0..<20 {
      let example = task.example(split: .train, seed: 1, index: UInt64(index))
      let first = column(0, of: example, entries: 9, width: 3)
      let second = column(1, of: example, entries: 9, width: 3)
      let keys = zip(first, second).map { [$0, $1] }
      #expect(Set(keys).count == 9)
      #expect(Set(first).count == 3 && Set(second).count == 3)
      #expect(first.allSatisfy { (1..<20).contains($0) })
      #expect(second.allSatisfy { (20..<40).contains($0) })
      #expect(Set(column(2, of: example, entries: 9, width: 3)).count == 9)
      #expect(example.targets.count == 9 && example.questionStart == 27)
      for target in example.targets {
        let end = Int(target.position)
        #expect((end - 27) % 3 == 1)
        #expect(keys.contains([example.tokens[end - 1], example.tokens[end]]))
      }
    }
  }

  // MARK: - Questions

  /// P(the first key asks in the first slot) in the paper's grid, as measured on its generator.
  @Test(arguments: [(64, 4, 0.25), (128, 8, 0.21), (256, 16, 0.185)])
  func firstSlotIsTakenAsOftenAsInThePaper(length: Int, pairs: Int, share: Double) throws {
    let task = try make("zero", ["length": length, "pairs": pairs])
    let exact = Double(task.slots.weight(of: 0)) / Double(task.slots.total)
    #expect(abs(exact - share) < 0.005)
    let count = 6000
    var example = Example()
    var found = 0
    for index in 0..<count {
      task.write(split: .train, seed: 6, index: UInt64(index), into: &example)
      if example.tokens[2 * pairs] == example.tokens[0] { found += 1 }
    }
    let deviation = (exact * (1 - exact) / Double(count)).squareRoot()
    #expect(abs(Double(found) / Double(count) - exact) < 4.5 * deviation)
  }

  @Test func denseExamplesUseEverySlot() throws {
    let task = try make("zero", ["length": 64, "pairs": 16])
    let example = task.example(split: .train, seed: 1, index: 0)
    #expect(example.targets.map(\.position) == (0..<16).map { 32 + 2 * $0 })
  }

  @Test func valuesAreBalanced() throws {
    let task = try make("clean", ["vocabulary": 20, "length": 16, "pairs": 2])
    var counts = [Int](repeating: 0, count: 10)
    for index in 0..<1000 {
      for target in task.example(split: .train, seed: 7, index: UInt64(index)).targets {
        counts[Int(target.token) - 10] += 1
      }
    }
    #expect(counts.reduce(0, +) == 2000)
    #expect(counts.allSatisfy { abs($0 - 200) < 67 })  // five standard deviations
  }

  // MARK: - Filler

  @Test func zeroFillerIsZero() throws {
    let example = try make("zero", ["length": 64, "pairs": 4])
      .example(split: .train, seed: 1, index: 0)
    #expect(example.tokens.count { $0 == 0 } == 64 - 8 - 4)
  }

  @Test(arguments: [8192, 64, 20, 10])
  func cleanFillerIsNeverAKeyOrAValue(vocabulary: Int) throws {
    let task = try make("clean", ["vocabulary": vocabulary, "length": 64, "pairs": 4])
    for index in 0..<30 {
      let example = task.example(split: .train, seed: 1, index: UInt64(index))
      let taken = Set(example.tokens[..<8])
      let asked = Set(example.targets.map { Int($0.position) })
      let filler = (8..<64).filter { !asked.contains($0) }.map { example.tokens[$0] }
      #expect(filler.allSatisfy { !taken.contains($0) })
      #expect(task.solve(example.tokens) == example.targets)
    }
  }

  /// With little of the vocabulary free, filler comes from a list; every free id must be in it.
  @Test(arguments: [10, 12, 64])
  func cleanFillerIsUniform(vocabulary: Int) throws {
    let task = try make("clean", ["vocabulary": vocabulary, "length": 64, "pairs": 4])
    var zeros = 0
    for index in 0..<200 {
      let tokens = task.example(split: .train, seed: 8, index: UInt64(index)).tokens
      zeros += tokens.count { $0 == 0 }
    }
    let draws = 200.0 * 52
    let share = 1 / Double(vocabulary - 8)
    let deviation = (draws * share * (1 - share)).squareRoot()
    #expect(abs(Double(zeros) - draws * share) < 4.5 * deviation)
  }

  @Test func randomFillerMeetsKeysAsOftenAsChance() throws {
    let task = try make("random", ["vocabulary": 64, "length": 64, "pairs": 4])
    var meetings = 0
    var answered = 0
    for index in 0..<300 {
      let example = task.example(split: .train, seed: 9, index: UInt64(index))
      let keys = Set(column(0, of: example, entries: 4))
      meetings += example.tokens[8...].count { keys.contains($0) } - 4
      answered += task.solve(example.tokens).count
    }
    let draws = 300.0 * 52
    let share = 4.0 / 64
    let deviation = (draws * share * (1 - share)).squareRoot()
    #expect(abs(Double(meetings) - draws * share) < 4.5 * deviation)
    #expect(answered > 300 * 4)
  }

  // MARK: - Refusals

  struct Refusal: Sendable, CustomTestStringConvertible {
    let numbers: [String: Int]
    let setting: String
    let help: String
    var testDescription: String { help }
  }

  static let refusals = [
    Refusal(
      numbers: ["length": 64, "pairs": 17], setting: "pairs",
      help: "at most 16 fit (4 tokens a pair), or 'length' must be at least 68"),
    Refusal(
      numbers: ["length": 65], setting: "length",
      help: "it must be even: keys stand in two-token slots"),
    Refusal(
      numbers: ["vocabulary": 8], setting: "vocabulary",
      help: "4 distinct keys and 4 distinct values need at least 10"),
    Refusal(
      numbers: ["vocabulary": 10, "pairs": 4, "updates": 1], setting: "vocabulary",
      help: "filler 'clean' needs two ids that are no key or value, so at least 11"),
    Refusal(
      numbers: ["vocabulary": 10, "pairs": 3, "updates": 3], setting: "vocabulary",
      help: "3 distinct keys and 6 distinct values need at least 12"),
    Refusal(
      numbers: ["length": 16, "pairs": 2, "updates": 5], setting: "updates",
      help: "at most 4 fit, or 'length' must be at least 18"),
    Refusal(
      numbers: ["length": 64, "pairs": 4, "repeats": 8], setting: "repeats",
      help: "at most 7 fit, or 'length' must be at least 72"),
    Refusal(
      numbers: ["pairs": 5, "composition": 2], setting: "pairs",
      help: "it must be a square, such as 4 or 9"),
    Refusal(
      numbers: ["pairs": 16, "composition": 2], setting: "pairs",
      help: "at most 10 fit (6 tokens a pair), or 'length' must be at least 96"),
    Refusal(
      numbers: ["vocabulary": 8, "composition": 2], setting: "vocabulary",
      help: "4 distinct keys and 4 distinct values need at least 12"),
  ]

  @Test(arguments: refusals)
  func impossibleSettingsAreRefused(_ refusal: Refusal) {
    let error = #expect(throws: SettingError.self) { try make("clean", refusal.numbers) }
    #expect(error?.setting == refusal.setting)
    #expect(error?.help == refusal.help)
  }

  /// What the messages call enough is enough.
  @Test(arguments: [
    ["length": 68, "pairs": 17], ["vocabulary": 10], ["length": 18, "pairs": 2, "updates": 5],
    ["vocabulary": 11, "pairs": 4, "updates": 1], ["vocabulary": 12, "pairs": 3, "updates": 3],
    ["length": 64, "pairs": 4, "repeats": 7], ["length": 96, "pairs": 16, "composition": 2],
    ["vocabulary": 12, "composition": 2], ["length": 65, "composition": 2],
  ])
  func whatTheMessagesProposeIsAccepted(numbers: [String: Int]) throws {
    let task = try make("clean", numbers)
    let example = task.example(split: .train, seed: 1, index: 0)
    #expect(task.solve(example.tokens) == example.targets)
  }
}
