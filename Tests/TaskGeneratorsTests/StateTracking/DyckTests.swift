import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct DyckTests {
  private func make(
    _ target: String, length: SettingValue, kinds: Int = 2, depth: Int = 8
  ) throws -> Dyck {
    try Dyck.make([
      "target": .text(target), "length": length, "kinds": .integer(kinds),
      "depth": .integer(depth),
    ])
  }

  @Test func examplesAreTheGoldenOnes() throws {
    let closing = try make("closing", length: .integer(14))
      .example(split: .train, seed: 1, index: 0)
    #expect(closing.tokens == [0, 2, 0, 1, 1, 3, 3, 0, 1, 0, 2, 3, 2, 0])
    #expect(closing.targets.map(\.position) == [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    #expect(closing.targets.map(\.token) == [2, 2, 3, 3, 3, 2, 2, 3, 2, 3, 2, 2, 2])
    #expect(closing.slices == [14, 4])
    let balanced = try make("balanced", length: .integer(14))
      .example(split: .train, seed: 1, index: 0)
    #expect(balanced.tokens == [1, 1, 3, 3, 0, 2, 0, 0, 2, 0, 2, 0, 2, 1])
    #expect(balanced.targets.filter { $0.token == 1 }.map(\.position) == [3, 5])
    #expect(balanced.targets.count == 14 && balanced.slices == [14, 2])
  }

  /// Every prefix is one of a balanced string, and no deeper than allowed.
  @Test(arguments: [(1, 1), (2, 3), (5, 2), (3, 50)])
  func prefixesAreWellFormed(kinds: Int, depth: Int) throws {
    let task = try make("balanced", length: .range(1...40), kinds: kinds, depth: depth)
    for index in 0..<60 {
      let example = task.example(split: .train, seed: 2, index: UInt64(index))
      var open: [Int] = []
      var deepest = 0
      for token in example.tokens.map({ Int($0) }) {
        if token < kinds { open.append(token) } else { #expect(open.popLast() == token - kinds) }
        deepest = max(deepest, open.count)
      }
      #expect(deepest <= depth && example.slices == [example.tokens.count, deepest])
      #expect(task.solve(example.tokens) == example.targets)
    }
  }

  @Test func closingScoresWhereSomethingIsOpen() throws {
    let task = try make("closing", length: .integer(30), kinds: 3, depth: 4)
    for index in 0..<40 {
      let example = task.example(split: .train, seed: 3, index: UInt64(index))
      #expect(task.solve(example.tokens) == example.targets)
      for target in example.targets where Int(target.position) + 1 < example.tokens.count {
        // A bracket that closes next is the one that was required.
        let next = example.tokens[Int(target.position) + 1]
        #expect(next < 3 || next == target.token)
      }
    }
  }

  @Test func kindsAreEquallyLikely() throws {
    let task = try make("closing", length: .integer(40), kinds: 4)
    var counts = [0, 0, 0, 0]
    for index in 0..<100 {
      for token in task.example(split: .train, seed: 4, index: UInt64(index)).tokens where token < 4
      {
        counts[Int(token)] += 1
      }
    }
    let all = Double(counts.reduce(0, +))
    #expect(counts.allSatisfy { abs(Double($0) - all / 4) < 5 * (all * 3 / 16).squareRoot() })
  }

  /// The chance of `balanced` against a walk through all sequences of opening and closing.
  @Test(arguments: [(1...1, 3), (2...9, 1), (3...10, 2), (10...10, 8)])
  func chanceIsTheShareOfUnbalancedPrefixes(lengths: ClosedRange<Int>, depth: Int) throws {
    func balanced(from level: Int, steps: Int) -> Double {
      guard steps > 0 else { return 0 }
      func after(_ next: Int) -> Double {
        (next == 0 ? 1 : 0) + balanced(from: next, steps: steps - 1)
      }
      if level == 0 { return after(1) }
      if level == depth { return after(level - 1) }
      return (after(level + 1) + after(level - 1)) / 2
    }
    let expected = lengths.reduce(0.0) { $0 + balanced(from: 0, steps: $1) }
    let share = 1 - expected / Double(lengths.reduce(0, +))
    let task = try make("balanced", length: .range(lengths), depth: depth)
    #expect(abs(task.chance - share) < 1e-12)
    #expect(try make("closing", length: .integer(9), kinds: 5).chance == 0.2)
  }

  @Test func baselineEchoesTheLastOpening() throws {
    let task = try make("closing", length: .integer(9))
    var random = RandomSource(seed: 1)
    let answers = task.baselines[0].predict([0, 1, 3, 2], [0, 1, 2], &random)
    #expect(answers.map(\.token) == [2, 3, 3])
    #expect(try make("balanced", length: .integer(9)).baselines.isEmpty)
  }

  @Test func oneKindHasNoQuestionOfKind() {
    let error = #expect(throws: SettingError.self) {
      try make("closing", length: .integer(9), kinds: 1)
    }
    #expect(error?.setting == "kinds")
    #expect(
      error?.help
        == "it must be at least 2, or there is one answer only; 'balanced' takes 1 too")
  }

  @Test func manyKindsHaveNumbers() throws {
    let task = try make("closing", length: .integer(4), kinds: 6)
    var example = Example()
    example.tokens = [5, 11, 0]
    #expect(task.describe(example) == ["(6 5", ")6 11", "(1 0"])
  }
}
