import Configuration
import Records
import Testing

@testable import Reports

/// The window of learning rates, the share of seeds that solve a task, and the steps until then.
@Suite struct LearnabilityTests {
  private func learnability(_ records: [CellRecord]) throws -> Learnability {
    try #require(Report.make(records: records).tasks.first?.results.first?.learnability)
  }

  /// Two seeds at each learning rate, 0.02 below and above a mean validation score.
  private func records(_ means: [(rate: Double, mean: Double)]) throws -> [CellRecord] {
    try means.flatMap { rate, mean in
      try [-0.02, 0.02].enumerated().map { seed, offset in
        try Samples.record(learningRate: rate, seed: seed, validation: mean + offset)
      }
    }
  }

  @Test func theWindowEndsAtTheFirstRateThatFalls() throws {
    // 0.0001 is good again, but 0.0003 is not.
    let window = try #require(
      try learnability(
        records([
          (0.0001, 0.9), (0.0003, 0.8), (0.001, 0.87), (0.003, 0.92), (0.01, 0.88), (0.03, 0.3),
        ])
      ).window)
    #expect((window.lowest, window.highest, window.rates) == (0.001, 0.01, 3))
    #expect(window.decades == 1 && !window.isLowerBound)
    #expect(window.ends == "0.001–0.01" && window.width == "1.00")
  }

  @Test func aWindowAtTheEndOfTheRatesIsALowerBound() throws {
    let window = try #require(
      try learnability(records([(0.001, 0.5), (0.003, 0.9), (0.01, 0.9)])).window)
    // log10(0.01 / 0.003) = 0.52288.
    #expect(window.isLowerBound && window.decades == 0.5229)
    #expect(window.width == "≥ 0.52")
    let narrow = try #require(
      try learnability(records([(0.001, 0.5), (0.003, 0.9), (0.01, 0.5)])).window)
    #expect(!narrow.isLowerBound && narrow.decades == 0 && narrow.ends == "0.003")
  }

  @Test func noWindowWithoutRatesOrLearning() throws {
    let single = try learnability(records([(0.001, 0.9)]))
    #expect(single.window == nil && single.rates == nil)
    // The chance line is 0.1: what is no better than a guess holds everywhere and says nothing.
    let guess = try learnability(records([(0.001, 0.12), (0.01, 0.14)]))
    #expect(guess.window == nil && guess.rates?.count == 2)
  }

  /// Of what is tuned beside the rate, the best counts.
  @Test func otherTunedSettingsAreAtTheirBest() throws {
    var records: [CellRecord] = []
    for (rate, heads, score) in [(0.001, 1, 0.3), (0.001, 2, 0.9), (0.01, 1, 0.9), (0.01, 2, 0.2)] {
      var record = try Samples.record(
        learningRate: rate, validation: score, mixerSettings: ["heads": .integer(heads)])
      record.tuned = ["model.mixers.settings.heads", "training.learningRate"]
      records.append(record)
    }
    let learnability = try learnability(records)
    #expect(learnability.rates?.map(\.validation) == [0.9, 0.9])
    #expect(learnability.window?.rates == 2)
  }

  @Test func solvedSeedsAndStepsUntilThen() throws {
    let learnability = try learnability([
      try Samples.record(seed: 0, test: [(64, 0.95)], curve: [0.2, 0.9, 1]),
      try Samples.record(seed: 1, test: [(64, 0.90)], curve: [0.95]),
      try Samples.record(seed: 2, test: [(64, 0.89)], curve: [0.2, 0.3, 0.4, 0.93, 0.8]),
      try Samples.record(seed: 3, status: .diverged, curve: [0.2]),
    ])
    #expect((learnability.solved, learnability.seeds, learnability.reached) == (2, 4, 3))
    #expect(learnability.solvedShare == 0.5 && learnability.threshold == 0.9)
    // The first steps are 100, 200, 400 and never.
    #expect(learnability.steps == 300)
  }

  @Test func stepsThatHalfOfTheSeedsNeverReach() throws {
    let learnability = try learnability([
      try Samples.record(seed: 0, curve: [1]), try Samples.record(seed: 1, curve: [0.5]),
    ])
    #expect(learnability.steps == nil && learnability.reached == 1)
  }

  @Test func aDistanceIsSolvedWhereItIsSmall() throws {
    var record = try Samples.record()
    record.task.metric = "totalVariation"
    record.task.chance = 0.8
    record.testOverall?.totalVariation = 0.09
    let learnability = try learnability([record])
    #expect(abs(try #require(learnability.threshold) - 0.1) < 1e-12)
    #expect(learnability.solved == 1)
  }

  @Test func aGuessDoesNotSolveATask() throws {
    let easy = try learnability([try Samples.record(chance: 0.95, test: [(64, 0.96)])])
    #expect(abs(try #require(easy.threshold) - 0.995) < 1e-12)
    #expect(easy.solved == 0)
  }

  @Test func tablesHaveIt() throws {
    var records = try records([(0.001, 0.5), (0.003, 0.9), (0.01, 0.9)])
    for place in records.indices { records[place].model?.flopsPerToken = 2e6 }
    for place in records.indices { records[place].training.tokens = 1000 }
    let report = Report.make(records: records)
    #expect(
      report.markdown().contains(
        """
        ### Learnability

        | model | learning rates within 0.05 | decades | seeds solved | steps to 0.9 | FLOPs per \
        token | FLOPs of training |
        | :--- | ---: | ---: | ---: | ---: | ---: | ---: |
        | delta-net | 0.003–0.01 | ≥ 0.52 | 0 of 2 | – | 2.00 M | 2.00 G |
        """))
    #expect(report.csv().contains(",2000000.0,1000.0,0.003,0.01,0.5229,true,0.9,0,0.0,0,"))
  }
}
