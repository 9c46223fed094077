import TaskGenerators
import Testing
import Training

@Suite struct BatchTests {
  @Test func examplesArePutTogether() {
    var first = Example()
    first.tokens = [5, 6, 7]
    first.targets = [Target(position: 1, token: 9), Target(position: 2, token: 8)]
    var second = Example()
    second.tokens = [1]
    second.targets = [Target(position: 0, token: 4)]
    let batch = HostBatch([first, second], targetsPerExample: 2)
    #expect((batch.count, batch.length) == (2, 3))
    #expect(batch.tokens == [5, 6, 7, 1, 0, 0])
    #expect(batch.places == [1, 2, 3, -1])
    #expect(batch.targets == [9, 8, 4, -1])
    #expect(batch.scored == 3)
    #expect(batch.realTokens == 4)
    // No example has more targets than positions.
    #expect(HostBatch([second], targetsPerExample: 100).places == [0])
  }

  /// The supervised positions of a batch are what the task's exact solver answers.
  @Test(arguments: TaskRegistry().names) func whatIsSupervisedIsTheOracles(
    _ name: String
  ) throws {
    let task = try TaskRegistry().make(name)
    let examples = (0..<9).map { task.example(split: .train, seed: 4, index: $0) }
    let batch = HostBatch(examples, targetsPerExample: task.maximumTargets)
    var expected: [Int32: Int32] = [:]
    for (row, example) in examples.enumerated() {
      let own = batch.tokens[row * batch.length..<row * batch.length + example.tokens.count]
      #expect(Array(own) == example.tokens)
      let answers = task.solve(Array(own))
      for target in answers {
        expected[Int32(row * batch.length) + target.position] = target.token
      }
    }
    let found = Dictionary(
      uniqueKeysWithValues: zip(batch.places, batch.targets).prefix(batch.scored))
    #expect(found == expected)
    #expect(batch.places.dropFirst(batch.scored).allSatisfy { $0 == -1 })
    #expect(batch.targets.dropFirst(batch.scored).allSatisfy { $0 == -1 })
    #expect(batch.places.count == 9 * min(task.maximumTargets, batch.length))
  }

  @Test func batchesOfOneLengthHaveOneShape() throws {
    let task = try Jobs.parity(2...9, mode: "running")
    let examples = (0..<32).map { task.example(split: .train, seed: 4, index: $0) }
    for start in stride(from: 0, to: 32, by: 4) {
      let batch = HostBatch(examples[start..<start + 4], targetsPerExample: task.maximumTargets)
      #expect(batch.places.count == 4 * batch.length)
      #expect(batch.scored == batch.realTokens)
    }
  }
}

@Suite struct TallyTests {
  private func example(_ targets: Int, length: Int, pairs: Int) -> Example {
    var example = Example()
    example.tokens = [Int32](repeating: 0, count: max(targets, 1))
    example.targets = (0..<targets).map { Target(position: $0, token: 0) }
    example.slices = [pairs, length]
    return example
  }

  @Test func countsAsByHand() {
    var tally = SegmentTally()
    let names = ["pairs", "length"]
    tally.add(example(4, length: 10, pairs: 4), names: names, right: 4, loss: 1)
    tally.add(example(2, length: 40, pairs: 2), names: names, right: 1, loss: 3)
    tally.add(example(4, length: 41, pairs: 4), names: names, right: 0, loss: 6)
    tally.add(example(0, length: 500, pairs: 9), names: names, right: 0, loss: 0)
    let all = tally.overall
    #expect((all.tokens, all.right, all.examples, all.sequences) == (10, 5, 3, 1))
    #expect(all.tokenAccuracy == 0.5)
    #expect(all.exampleAccuracy == 0.5)
    #expect(all.sequenceAccuracy == 1.0 / 3)
    #expect(all.meanLoss == 1)
    #expect(all.score(.tokenAccuracy) == all.tokenAccuracy)
    #expect(all.score(.exampleAccuracy) == all.exampleAccuracy)
    #expect(all.score(.sequenceAccuracy) == all.sequenceAccuracy)
    let short = tally.slices["length"]?[1]
    #expect(short?.band == 1...40)
    #expect(short?.tally.tokens == 6 && short?.tally.right == 5)
    #expect(tally.slices["length"]?[41]?.band == 41...80)
    #expect(tally.slices["pairs"]?[4]?.tally.exampleAccuracy == 0.5)
    #expect(tally.slices["pairs"]?[2]?.band == 2...2)
  }

  @Test func sumsAreSums() {
    var (first, second) = (Tally(), Tally())
    first.add(tokens: 4, right: 4, loss: 1)
    second.add(tokens: 2, right: 1, loss: 3)
    var both = first
    both.add(second)
    #expect((both.tokens, both.right, both.examples, both.sequences) == (6, 5, 2, 1))
    #expect((both.shares, both.loss) == (1.5, 4))
  }

  @Test func nothingScoresNothing() {
    let tally = Tally()
    for metric in Metric.allCases { #expect(tally.score(metric) == 0) }
    #expect(tally.meanLoss == 0)
  }

  @Test func aSingleValueIsNoSlice() {
    var tally = SegmentTally()
    tally.add(example(1, length: 5, pairs: 2), names: ["pairs", "length"], right: 1, loss: 0)
    tally.add(example(1, length: 6, pairs: 3), names: ["pairs", "length"], right: 1, loss: 0)
    let slices = tally.informativeSlices
    #expect(slices.map(\.name) == ["pairs", "pairs"])
    #expect(slices.map(\.band) == [2...2, 3...3])
  }

  @Test func bandsOfLengthMeetWithoutGaps() {
    let bands = [1...40, 41...80, 81...128, 129...192, 193...256, 257...512, 513...1024]
    for band in bands {
      #expect(lengthBand(of: band.lowerBound) == band)
      #expect(lengthBand(of: band.upperBound) == band)
    }
    #expect(lengthBand(of: 1_000_000) == 524_289...1_048_576)
  }
}
