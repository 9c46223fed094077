import Configuration
import TaskGenerators
import Testing
import Training

@Suite struct DataPlanTests {
  private func batches(_ segments: [DataSegment], batch: Int, count: Int, seed: UInt64 = 3) throws
    -> [HostBatch]
  {
    var maker = BatchMaker(try DataPlan(segments, batch: batch, seed: seed), seed: seed)
    return (0..<count).map { _ in maker.next() }
  }

  private func examples(_ segment: DataSegment, seed: UInt64 = 3) -> Set<[Int32]> {
    Set(
      (0..<UInt64(segment.examples ?? 0)).map {
        segment.task.example(split: .train, seed: seed, index: $0).tokens
      })
  }

  /// Every task of the catalogue as a stream, and the published protocol of in-context languages,
  /// 1000 problems in batches of 32.
  @Test(arguments: TaskRegistry().names) func littleIsPadded(_ name: String) throws {
    let task = try TaskRegistry().make(name)
    let stream = DataSegment(task: task, examples: nil)
    var runs = [try batches([stream], batch: 8, count: 16)]
    if name == "icll" {
      runs.append(try batches([DataSegment(task: task, examples: 1000)], batch: 32, count: 31))
    }
    for made in runs {
      let real = made.reduce(0) { $0 + $1.realTokens }
      let padded = made.reduce(0) { $0 + $1.tokens.count }
      #expect(Double(padded - real) < 0.1 * Double(padded))
    }
  }

  @Test func lengthsAreBucketed() throws {
    let parity = DataSegment(task: try Jobs.parity(3...40), examples: nil)
    let made = try batches([parity], batch: 64, count: 48)
    let real = made.reduce(0) { $0 + $1.realTokens }
    let padded = made.reduce(0) { $0 + $1.tokens.count }
    #expect(Double(padded - real) < 0.1 * Double(padded))
    #expect(Set(made.map(\.length)).count > 10)
    #expect(made.allSatisfy { $0.count == 64 && $0.scored == 64 })
  }

  @Test func anEpochShowsEachExampleOnce() throws {
    let segments = [
      DataSegment(task: try Jobs.recall(length: 16), examples: 300),
      DataSegment(task: try Jobs.recall(length: 24), examples: 142),
    ]
    let plan = try DataPlan(segments, batch: 8, seed: 3)
    #expect(plan.stepsPerEpoch == 37 + 17)
    let made = try batches(segments, batch: 8, count: 3 * 54)
    let known = segments.map { examples($0) }
    #expect(known.map(\.count) == [300, 142])
    var seen: [Set<[Int32]>] = []
    for epoch in 0..<3 {
      let part = made[epoch * 54..<(epoch + 1) * 54]
      for (length, segment, kept) in [(16, 0, 296), (24, 1, 136)] {
        let rows = part.filter { $0.length == length }.flatMap(\.rows)
        #expect(rows.count == kept)
        #expect(Set(rows).count == kept)
        #expect(known[segment].isSuperset(of: rows))
        if segment == 0 { seen.append(Set(rows)) }
      }
    }
    // What an epoch leaves out, another shows.
    #expect(seen[0] != seen[1] && seen[1] != seen[2])
    #expect(made[0].tokens != made[54].tokens)
  }

  /// Sets of fewer batches than a pool are walked several times at once, so that even they are cut
  /// by length.
  @Test(arguments: [8, 20, 100, 136, 264]) func littleOfASmallSetIsPadded(_ count: Int) throws {
    let parity = DataSegment(task: try Jobs.parity(3...40), examples: count)
    let plan = try DataPlan([parity], batch: 8, seed: 3)
    let made = try batches([parity], batch: 8, count: plan.stepsPerEpoch)
    let real = made.reduce(0) { $0 + $1.realTokens }
    let padded = made.reduce(0) { $0 + $1.tokens.count }
    #expect(Double(padded - real) < 0.1 * Double(padded))
    // Every example comes equally often, but for what does not fill a batch.
    var shown: [[Int32]: Int] = [:]
    for row in made.flatMap(\.wordsOfParity) { shown[row, default: 0] += 1 }
    let rounds = (plan.stepsPerEpoch * 8 + count - 1) / count
    #expect(shown.values.reduce(0, +) == plan.stepsPerEpoch * 8)
    #expect(shown.count <= count && rounds * count - plan.stepsPerEpoch * 8 < 8)
  }

  @Test func noBatchMixesSegments() throws {
    let segments = try [12, 16, 20].map {
      DataSegment(task: try Jobs.recall(length: $0), examples: 64)
    }
    let made = try batches(segments, batch: 8, count: 24)
    #expect(made.allSatisfy { $0.realTokens == $0.count * $0.length })
    #expect(Set(made.map(\.length)) == [12, 16, 20])
    // The segments are mixed over the epoch, not one after the other.
    #expect(made.prefix(8).map(\.length) != [Int](repeating: 12, count: 8))
    #expect(Set(made.prefix(12).map(\.length)).count > 1)
  }

  @Test func aStreamNeverReturns() throws {
    let segments = try [16, 24].map {
      DataSegment(task: try Jobs.recall(length: $0), examples: nil)
    }
    let made = try batches(segments, batch: 8, count: 80)
    // Streams take turns.
    #expect(made.map(\.length) == (0..<80).map { $0 % 2 == 0 ? 16 : 24 })
    let rows = made.flatMap(\.rows)
    #expect(Set(rows).count == 8 * 80)
    let plan = try DataPlan(segments, batch: 8, seed: 3)
    let indices = (0..<40).flatMap { plan.indices(segment: 1, epoch: 0, pool: $0) }
    #expect(indices.sorted() == (0..<UInt64(40 * 16 * 8)).map(\.self))
  }

  @Test func seedsAndEpochsChangeTheOrder() throws {
    let segment = DataSegment(task: try Jobs.recall(), examples: 64)
    let plans = try [1, 2].map { try DataPlan([segment], batch: 8, seed: $0) }
    func order(_ plan: DataPlan, _ epoch: Int) -> [UInt64] {
      plan.indices(segment: 0, epoch: epoch, pool: 0)
    }
    #expect(order(plans[0], 0) == order(plans[0], 0))
    #expect(order(plans[0], 0) != order(plans[0], 1))
    #expect(order(plans[0], 0) != order(plans[1], 0))
    #expect(order(plans[0], 0).sorted() == (0..<128).map { $0 / 2 })
  }

  @Test func impossibleDataIsRefused() throws {
    let task = try Jobs.recall()
    let small = #expect(throws: SettingError.self) {
      try DataPlan([DataSegment(task: task, examples: 7)], batch: 8, seed: 0)
    }
    #expect(small?.setting == "examples")
    let mixed = #expect(throws: SettingError.self) {
      try DataPlan(
        [DataSegment(task: task, examples: 8), DataSegment(task: task, examples: nil)], batch: 8,
        seed: 0)
    }
    #expect(mixed?.setting == "examples")
  }

  @Test func theStreamMakesTheSameBatches() throws {
    for examples in [nil, 100] {
      let segment = DataSegment(task: try Jobs.parity(3...12), examples: examples)
      let plan = try DataPlan([segment], batch: 8, seed: 9)
      let stream = BatchStream(plan, seed: 9, steps: 0..<40)
      var maker = BatchMaker(plan, seed: 9)
      for step in 0..<40 { #expect(stream.next().equals(maker.next()), "step \(step)") }
    }
  }

  /// A thread that still makes batches, or waits for room, holds its stream; where none may be made
  /// ahead it always waits.
  @Test(.timeLimit(.minutes(1))) func aStreamThatIsLeftEarlyEnds() async throws {
    let segment = DataSegment(task: try Jobs.parity(3...12), examples: nil)
    let plan = try DataPlan([segment], batch: 8, seed: 9)
    for (ahead, used) in [(0, 0), (4, 0), (4, 1), (4, 7)] {
      weak var left: BatchStream?
      do {
        let stream = BatchStream(plan, seed: 9, steps: 0..<1_000_000, ahead: ahead)
        left = stream
        for _ in 0..<used { _ = stream.next() }
        stream.stop()
      }
      while left != nil { try await Task.sleep(for: .milliseconds(1)) }
    }
  }
}
