import Configuration
import Randomness
import TaskGenerators
import Testing

/// Examples share random bits only if they are the same example.
@Suite struct StreamTests {
  @Test func splitsNeverShareASequence() throws {
    let task = try Parity.make(["length": .integer(65)])
    var seen: Set<[Int32]> = []
    var made = 0
    for split in Split.allCases {
      for seed in 0..<4 {
        for index in 0..<100 {
          made += 1
          seen.insert(task.example(split: split, seed: UInt64(seed), index: UInt64(index)).tokens)
        }
      }
    }
    #expect(seen.count == made)
  }

  @Test func relatedSettingsGiveUnrelatedExamples() throws {
    let short = try MultiQueryRecall.make(["length": .integer(64)])
    let long = try MultiQueryRecall.make(["length": .integer(128)])
    let same = (0..<50).count { index in
      let first = short.example(split: .train, seed: 0, index: UInt64(index)).tokens
      return first[0] == long.example(split: .train, seed: 0, index: UInt64(index)).tokens[0]
    }
    #expect(same <= 1)
  }

  @Test func spellingOfASettingDoesNotMatter() throws {
    let whole = try MultiQueryRecall.make(["gapExponent": .integer(0), "pairs": .number(4)])
    let plain = try MultiQueryRecall.make(["gapExponent": .number(-0.0)])
    let zero = try MultiQueryRecall.make(["gapExponent": .number(0)])
    let example = zero.example(split: .test, seed: 1, index: 2)
    #expect(whole.example(split: .test, seed: 1, index: 2) == example)
    #expect(plain.example(split: .test, seed: 1, index: 2) == example)
  }

  /// The label enters every example's bits, so it must be the same in every process.
  @Test func labelsHaveGoldenValues() throws {
    let recall = MultiQueryRecall.streamLabel(of: try MultiQueryRecall.make().settings)
    let parity = Parity.streamLabel(of: try Parity.make().settings)
    #expect([recall, parity] == goldenLabels)
  }

  @Test func hashTellsKindsAndValuesApart() {
    let values: [SettingValue] = [
      .flag(false), .flag(true), .integer(0), .integer(1), .integer(-1), .number(0), .number(1),
      .text(""), .text("0"), .text("1"), .text("10"), .text("01"), .range(0...1), .range(1...1),
      .list([]), .list([.integer(0)]), .list([.integer(0), .integer(1)]),
      .list([.integer(1), .integer(0)]),
    ]
    let hashes = values.map { value in
      var hash = StableHash()
      hash.combine(value)
      return hash.value
    }
    #expect(Set(hashes).count == values.count)
  }
}

private let goldenLabels: [UInt64] = [0x4883_CA6D_D587_F3E2, 0x4E96_0D30_AD9A_1700]
