import Configuration
import Randomness
import TaskGenerators
import Testing

/// Sequences so short that independent draws would meet in two splits.
@Suite struct SplitTests {
  struct Short: Sendable, CustomTestStringConvertible {
    let task: String
    let settings: [String: SettingValue]

    init(_ task: String, _ settings: [String: SettingValue]) {
      self.task = task
      self.settings = settings
    }

    var testDescription: String { "\(task) \(settings)" }

    /// The different sequences of a split.
    func sequences(_ split: Split, examples: Int = 400) throws -> Set<[Int32]> {
      let task = try TaskRegistry().make(task, settings: settings)
      return Set(
        (0..<examples).map { task.example(split: split, seed: 7, index: UInt64($0)).tokens })
    }
  }

  static let short: [Short] = [
    Short("parity", ["length": .range(4...9)]),
    Short("parity", ["length": .integer(4), "mode": .text("running")]),
    Short("flip-flop", ["length": .range(8...16)]),
    Short("flip-flop", ["length": .integer(12), "ignore": .number(0.1), "registers": .integer(2)]),
    Short("dyck", ["length": .range(6...12)]),
    Short("dyck", ["length": .integer(10), "kinds": .integer(1), "target": .text("balanced")]),
    Short("repl-trace", ["variables": .integer(3), "statements": .range(2...4)]),
    Short("regular-language", ["length": .range(5...9)]),
    Short(
      "regular-language",
      ["language": .text("tomita-5"), "length": .integer(8), "target": .text("final")]),
  ]

  @Test(arguments: short) func splitsHaveNoSequenceInCommon(_ short: Short) throws {
    let train = try short.sequences(.train)
    let validation = try short.sequences(.validation)
    let test = try short.sequences(.test)
    #expect(!train.isEmpty && !validation.isEmpty && !test.isEmpty)
    #expect(train.isDisjoint(with: validation))
    #expect(train.isDisjoint(with: test))
    #expect(validation.isDisjoint(with: test))
  }

  /// Were the sequences not dealt out, nearly all test sequences would be training sequences.
  @Test func dealingLeavesTrainMostSequences() throws {
    let short = Short("parity", ["length": .integer(7)])
    #expect(try short.sequences(.train).count == 52)
    #expect(try short.sequences(.validation).count == 6)
    #expect(try short.sequences(.test).count == 6)
  }

  /// A length with a single sequence has it in every split, and making it ends.
  @Test(arguments: [
    Short("parity", ["length": .integer(3)]),
    Short(
      "dyck",
      [
        "length": .integer(4), "kinds": .integer(1), "depth": .integer(1),
        "target": .text("balanced"),
      ]),
    Short("regular-language", ["language": .text("tomita-1"), "length": .integer(1)]),
  ]) func tooFewSequencesAreShared(_ short: Short) throws {
    let train = try short.sequences(.train, examples: 20)
    #expect(try short.sequences(.test, examples: 20) == train)
    #expect(try short.sequences(.validation, examples: 20) == train)
  }

  /// Whatever else is asked of a sequence, it stays in its split.
  @Test func settingsDoNotMoveASequence() throws {
    let train = try Short("parity", ["length": .range(4...6)]).sequences(.train)
    let test = try Short("parity", ["length": .range(4...8), "mode": .text("running")])
      .sequences(.test)
    #expect(train.isDisjoint(with: test))
    let dense = try Short("flip-flop", ["length": .integer(10), "ignore": .number(0.1)])
      .sequences(.train)
    let sparse = try Short("flip-flop", ["length": .integer(10), "ignore": .number(0.7)])
      .sequences(.test)
    #expect(dense.isDisjoint(with: sparse))
  }

  /// Only short sequences are dealt out, and half of the lengths here are not short: every split
  /// has as many of them.
  @Test(arguments: [
    (Short("dyck", ["length": .range(100...160)]), 32.0 / 61),
    (Short("flip-flop", ["length": .range(100...160)]), 16.0 / 31),
    (Short("repl-trace", ["statements": .range(30...55)]), 14.0 / 26),
  ]) func longSequencesKeepTheirShare(_ short: Short, share: Double) throws {
    let task = try TaskRegistry().make(short.task, settings: short.settings)
    for split in Split.allCases {
      let long = (0..<300).count {
        task.example(split: split, seed: 7, index: UInt64($0)).tokens.count > 128
      }
      #expect(abs(Double(long) / 300 - share) < 0.12, "\(split): \(long) of 300 are long")
    }
  }
}
