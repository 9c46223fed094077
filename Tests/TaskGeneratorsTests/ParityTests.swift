import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct ParityTests {
  @Test func examplesAreTheGoldenOnes() throws {
    let final = try Parity.make(["length": .integer(9)])
      .example(split: .train, seed: 1, index: 0)
    #expect(final.tokens == [1, 0, 0, 1, 0, 1, 0, 1])
    #expect(final.targets == [Target(position: 7, token: 0)])
    let running = try Parity.make(["length": .integer(9), "mode": .text("running")])
      .example(split: .train, seed: 1, index: 0)
    #expect(running.tokens == [1, 1, 0, 1, 0, 0, 1, 1])
    #expect(running.targets.map(\.token) == [1, 0, 0, 1, 1, 1, 0, 1])
    #expect(running.targets.map(\.position) == Array(0..<8))
  }

  @Test func lengthsAreUniformAndCountTheAnswer() throws {
    let task = try Parity.make(["length": .range(3...7)])
    var counts = [Int](repeating: 0, count: 5)
    for index in 0..<1000 {
      let example = task.example(split: .train, seed: 2, index: UInt64(index))
      #expect(example.slices == [example.tokens.count + 1])
      counts[example.slices[0] - 3] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 200) < 64 })  // five standard deviations
    #expect(task.maximumLength == 6)
  }

  @Test(arguments: [2, 3, 40, 130])
  func answersAreBalanced(length: Int) throws {
    let task = try Parity.make(["length": .integer(length)])
    let ones = (0..<800).count { index in
      task.example(split: .train, seed: 3, index: UInt64(index)).targets[0].token == 1
    }
    #expect(abs(ones - 400) < 71)  // five standard deviations
  }

  @Test func allStringsOccur() throws {
    let task = try Parity.make(["length": .integer(5)])
    let strings = Set(
      (0..<300).flatMap { index in
        Split.allCases.map { task.example(split: $0, seed: 4, index: index).tokens }
      })
    #expect(strings.count == 16)
  }

  @Test(arguments: [SettingValue.integer(1), .integer(0), .range(1...40), .text("long")])
  func lengthsWithoutABitAreRefused(length: SettingValue) {
    let error = #expect(throws: SettingError.self) { try Parity.make(["length": length]) }
    #expect(error?.setting == "length")
  }
}
