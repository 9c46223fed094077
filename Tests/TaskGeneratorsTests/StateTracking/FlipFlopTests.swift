import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct FlipFlopTests {
  private func make(
    _ length: SettingValue, ignore: Double = 0.8, registers: Int = 1
  ) throws -> FlipFlop {
    try FlipFlop.make([
      "length": length, "ignore": .number(ignore), "registers": .integer(registers),
    ])
  }

  @Test func examplesAreTheGoldenOnes() throws {
    let one = try make(.integer(24), ignore: 0.4).example(split: .train, seed: 1, index: 0)
    #expect(
      one.tokens
        == [3, 0, 4, 0, 2, 0, 2, 1, 4, 0, 3, 1, 4, 1, 4, 1, 4, 1, 4, 1, 3, 1, 4])
    #expect(one.targets.map(\.position) == [2, 8, 12, 14, 16, 18, 22])
    #expect(one.targets.map(\.token) == [0, 0, 1, 1, 1, 1, 1])
    #expect(one.slices == [24])
    let three = try make(.integer(20), ignore: 0.2, registers: 3)
      .example(split: .train, seed: 1, index: 4)
    #expect(three.tokens == [3, 1, 4, 1, 5, 1, 6, 1, 5, 0, 2, 0, 2, 0, 6, 1, 2, 1, 8])
    #expect(three.targets.map(\.position) == [6, 14, 18])
    #expect(three.targets.map(\.token) == [1, 1, 0])
  }

  /// FFL(T, p): a write first, a read last, and every bit after a read is the answer there.
  @Test(arguments: [1, 2, 5])
  func sequencesAreOfTheLanguage(registers: Int) throws {
    let task = try make(.range(16...64), ignore: 0.5, registers: registers)
    for index in 0..<60 {
      let example = task.example(split: .train, seed: 2, index: UInt64(index))
      let tokens = example.tokens
      #expect(tokens.count % 2 == 1 && example.slices == [tokens.count + 1])
      let first = (0..<registers).map { Int(tokens[2 * $0]) - 3 }
      #expect(first.sorted() == Array(0..<registers))
      #expect(Int(tokens[tokens.count - 1]) >= 3 + registers)
      for target in example.targets.dropLast() {
        #expect(tokens[Int(target.position) + 1] == target.token)
      }
      #expect(task.solve(tokens) == example.targets)
      #expect(tokens.enumerated().allSatisfy { ($0 % 2 == 1) == ($1 < 2) })
    }
  }

  @Test(arguments: [0.0, 0.1, 0.8, 0.98, 1.0])
  func instructionsHaveTheirProbabilities(ignore: Double) throws {
    let task = try make(.integer(512), ignore: ignore)
    var counts = [0, 0, 0]
    for index in 0..<20 {
      let tokens = task.example(split: .train, seed: 3, index: UInt64(index)).tokens
      for place in 1..<255 { counts[Int(tokens[2 * place]) - 2] += 1 }
    }
    let draws = Double(20 * 254)
    for (count, share) in zip(counts, [ignore, (1 - ignore) / 2, (1 - ignore) / 2]) {
      let deviation = (draws * share * (1 - share)).squareRoot()
      #expect(abs(Double(count) - draws * share) <= 5 * deviation)
    }
  }

  @Test func answersAndBitsAreFair() throws {
    let task = try make(.integer(64))
    var ones = [0, 0]
    var all = [0, 0]
    for index in 0..<400 {
      let example = task.example(split: .train, seed: 4, index: UInt64(index))
      // The last read's bit is independent of other examples'; those of one example are not.
      ones[0] += Int(example.targets[example.targets.count - 1].token)
      all[0] += 1
      for place in 0..<31 where example.tokens[2 * place] < 4 {
        ones[1] += Int(example.tokens[2 * place + 1])
        all[1] += 1
      }
    }
    for (ones, all) in zip(ones, all) {
      #expect(abs(Double(ones) - Double(all) / 2) < 2.5 * Double(all).squareRoot())
    }
  }

  @Test func rolesNameTheRegister() throws {
    let task = try make(.integer(8), registers: 2)
    var example = Example()
    example.tokens = [4, 1, 3, 0, 2, 1, 6]
    #expect(
      task.describe(example)
        == ["write[2] 4", "bit 1", "write[1] 3", "bit 0", "ignore 2", "bit 1", "read[2] 6"])
    #expect(task.solve(example.tokens) == [Target(position: 6, token: 1)])
  }

  @Test func baselineEchoesTheLatestBit() throws {
    var random = RandomSource(seed: 1)
    let answers = try make(.integer(8)).baselines[0]
      .predict([3, 1, 4, 1, 2, 0, 4], [2, 6], &random)
    #expect(answers.map(\.token) == [1, 0])
  }

  @Test(arguments: [
    (SettingValue.integer(7), 1, "length", "it must be even: instructions and bits take turns"),
    (
      .integer(8), 4, "registers",
      "at most 3: every register is written before the last read, or 'length' must be at least 10"
    ),
    (
      .range(5...99), 3, "registers",
      "at most 2: every register is written before the last read, or 'length' must be at least 8"
    ),
  ])
  func impossibleSettingsAreRefused(
    length: SettingValue, registers: Int, setting: String, help: String
  ) throws {
    let error = #expect(throws: SettingError.self) { try make(length, registers: registers) }
    #expect(error?.setting == setting)
    #expect(error?.help == help)
  }

  /// What the messages call enough is enough.
  @Test func proposalsAreAccepted() throws {
    #expect(try make(.integer(10), registers: 4).maximumTargets == 1)
    #expect(try make(.integer(8), registers: 3).maximumLength == 7)
  }
}
