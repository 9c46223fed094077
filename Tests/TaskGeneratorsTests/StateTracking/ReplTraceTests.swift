import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct ReplTraceTests {
  private func make(_ given: [String: SettingValue]) throws -> ReplTrace {
    try ReplTrace.make(given)
  }

  struct Golden: Sendable, CustomTestStringConvertible {
    let settings: [String: SettingValue]
    let tokens: [Int32]
    let targets: [Int32: Int32]
    var testDescription: String { "\(settings.sorted { $0.key < $1.key })" }
  }

  static let golden = [
    Golden(
      settings: ["variables": .integer(3), "statements": .integer(8)],
      tokens: [
        2, 1, 0, 6, 5, 0, 7, 5, 4, 7, 4, 3, 6, 5, 1, 7, 5, 3, 7, 5, 4, 7, 5, 4, 6, 5,
      ],
      targets: [4: 0, 13: 1, 25: 0]),
    Golden(
      settings: [
        "variables": .integer(4), "statements": .integer(8), "hidden": .number(0.6),
        "reveal": .number(0.4),
      ],
      tokens: [
        0, 3, 1, 2, 9, 5, 6, 8, 4, 0, 8, 5, 1, 8, 5, 1, 10, 5, 6, 10, 5, 6, 9, 4, 7, 8, 4,
      ],
      targets: [8: 0, 11: 1, 14: 1, 26: 2]),
    Golden(
      settings: [
        "variables": .integer(3), "statements": .integer(5), "action": .text("assign"),
      ],
      tokens: [0, 2, 1, 9, 3, 4, 5, 9, 5, 3, 4, 6, 3, 1, 9, 4, 5, 3, 6, 4],
      targets: [12: 1, 19: 2]),
  ]

  @Test(arguments: golden)
  func exampleIsTheGoldenOne(_ golden: Golden) throws {
    let example = try make(golden.settings).example(split: .train, seed: 1, index: 0)
    #expect(example.tokens == golden.tokens)
    #expect(
      Dictionary(uniqueKeysWithValues: example.targets.map { ($0.position, $0.token) })
        == golden.targets)
    #expect(example.slices == [golden.tokens.count + 1])
  }

  /// The example of the documentation: a, b, c = 2, 0, 1.
  @Test func documentedTraceIsAnswered() throws {
    let task = try make(["variables": .integer(3), "hidden": .number(0.5)])
    let tokens: [Int32] = [2, 0, 1, 7, 3, 5, 6, 4, 0, 8, 3, 4, 6, 5]
    #expect(
      task.solve(tokens) == [Target(position: 7, token: 0), Target(position: 13, token: 2)])
    // After "maybe a b" neither is known, but printing one tells the other.
    #expect(task.solve([2, 0, 1, 8, 3, 4, 6, 3]).isEmpty)
    #expect(
      task.solve([2, 0, 1, 8, 3, 4, 6, 3, 0, 6, 4]) == [Target(position: 10, token: 2)])
    var example = Example()
    example.tokens = [2, 7, 3, 5]
    #expect(task.describe(example) == ["value 2", "swap 7", "a 3", "c 5"])
  }

  /// Exactly those reveals are scored whose value a reader can know, and the last one is.
  @Test(arguments: [0, 0.3, 1], ["swap", "assign"])
  func revealsAreScoredIfKnown(hidden: Double, action: String) throws {
    for variables in 3...5 {
      let task = try make([
        "hidden": .number(hidden), "action": .text(action), "variables": .integer(variables),
        "reveal": .number(0.5), "statements": .range(2...30),
      ])
      var reveals = 0
      var scored = 0
      for index in 0..<25 {
        let example = task.example(split: .train, seed: 2, index: UInt64(index))
        #expect(task.solve(example.tokens) == example.targets)
        #expect(
          Int(example.targets[example.targets.count - 1].position) == example.tokens.count - 1)
        reveals += example.tokens.count { $0 == 2 * Int32(variables) }
        scored += example.targets.count
      }
      #expect(hidden == 0 ? scored == reveals : scored < reveals)
    }
  }

  /// Without hidden actions a trace can be run: every printed value is the variable's.
  @Test(arguments: [2, 5, 30])
  func tracesRun(variables: Int) throws {
    let task = try make(["variables": .integer(variables), "statements": .integer(40)])
    let n = Int32(variables)
    for index in 0..<10 {
      let example = task.example(split: .train, seed: 3, index: UInt64(index))
      var values = Array(example.tokens[..<variables])
      #expect(values.sorted() == Array(0..<n))
      var rest = example.tokens[variables...]
      var statements = 0
      while rest.count >= 3 {
        let statement = rest.removeFirst()
        let first = Int(rest.removeFirst() - n)
        let second = rest.removeFirst()
        if statement == 2 * n {
          #expect(second == values[first])
        } else {
          #expect(statement == 2 * n + 1 && first != Int(second - n))
          values.swapAt(first, Int(second - n))
        }
        statements += 1
      }
      #expect(statements == 39 && rest.first == 2 * n)
      let last = Int((rest.last ?? n) - n)
      #expect(example.targets[example.targets.count - 1].token == values[last])
    }
  }

  @Test func statementsHaveTheirProbabilities() throws {
    let task = try make(["statements": .integer(101), "reveal": .number(0.25)])
    var reveals = 0
    for index in 0..<30 {
      let tokens = task.example(split: .train, seed: 4, index: UInt64(index)).tokens
      reveals += tokens.count { $0 == 10 } - 1
    }
    let deviation = (3000 * 0.25 * 0.75).squareRoot()
    #expect(abs(Double(reveals) - 750) < 5 * deviation)
  }

  /// A hidden action is a swap or none, half of the time each.
  @Test func hiddenSwapsAreFair() throws {
    let task = try make([
      "variables": .integer(3), "hidden": .number(1), "reveal": .number(0.5),
      "statements": .integer(4),
    ])
    var outcomes = [0, 0]
    for index in 0..<3000 {
      let tokens = task.example(split: .train, seed: 5, index: UInt64(index)).tokens
      // maybe x y, then print x: it shows x's old value or y's.
      guard tokens[3] == 8, tokens[6] == 6, tokens[7] == tokens[4] else { continue }
      let old = tokens[Int(tokens[4]) - 3]
      outcomes[tokens[8] == old ? 0 : 1] += 1
    }
    let all = Double(outcomes.reduce(0, +))
    #expect(all > 180)
    #expect(abs(Double(outcomes[0]) - all / 2) < 2.5 * all.squareRoot())
  }

  @Test func baselineRepeatsWhatWasSeen() throws {
    let task = try make(["variables": .integer(3)])
    var random = RandomSource(seed: 1)
    // a, b, c = 2, 0, 1; print b; swap a b; print b; print b; print a
    let tokens: [Int32] = [2, 0, 1, 6, 4, 0, 7, 3, 4, 6, 4, 2, 6, 4, 2, 6, 3]
    let answers = task.baselines[0].predict(tokens, [4, 10, 13, 16], &random)
    #expect(answers.map(\.token) == [0, 0, 2, 2])
    #expect(task.solve(tokens).map(\.token) == [0, 2, 2, 0])
  }

  @Test(arguments: [2, 6])
  func hiddenActionsNeedFewVariables(variables: Int) throws {
    let given: [String: SettingValue] = ["variables": .integer(variables)]
    #expect(throws: Never.self) { try make(given) }
    let error = #expect(throws: SettingError.self) {
      try make(given.merging(["hidden": .number(0.1)]) { $1 })
    }
    #expect(error?.setting == "variables")
    #expect(error?.help.hasPrefix("3 to 5 are possible, or 'hidden' must be 0") == true)
  }
}
