import Configuration
import Records
import Testing

@testable import Reports

@Suite struct SelectionTests {
  private func result(_ records: [CellRecord]) throws -> ModelResult {
    try #require(Report.make(records: records).tasks.first?.results.first)
  }

  private func rate(_ result: ModelResult) -> String { result.chosen.map(\.value).joined() }

  /// The lower rate is better on validation, the higher one on the test.
  @Test func validationDecidesAndTheTestIsNotLookedAt() throws {
    var records: [CellRecord] = []
    for seed in 0..<3 {
      records.append(
        try Samples.record(
          learningRate: 0.001, seed: seed, validation: 0.8, test: [(64, 0.3)]))
      records.append(
        try Samples.record(
          learningRate: 0.01, seed: seed, validation: 0.6, test: [(64, 0.99)]))
    }
    let result = try result(records)
    #expect(rate(result) == "0.001")
    #expect(result.score?.mean == 0.3)
    #expect(result.candidates == 2)
    #expect(result.finished == 3)
  }

  /// The best single seed belongs to a rate that is worse on average.
  @Test func theMeanOverSeedsDecides() throws {
    let result = try result([
      try Samples.record(learningRate: 0.001, seed: 0, validation: 1.0),
      try Samples.record(learningRate: 0.001, seed: 1, validation: 0.2),
      try Samples.record(learningRate: 0.01, seed: 0, validation: 0.7),
      try Samples.record(learningRate: 0.01, seed: 1, validation: 0.7),
    ])
    #expect(rate(result) == "0.01")
  }

  /// As numbers 0.0003 < 0.001 < 0.01, as texts the order is another one ("3e-04").
  @Test func equalScoresGoToTheLowerSetting() throws {
    let result = try result(
      [0.01, 0.0003, 0.001].map { try Samples.record(learningRate: $0, validation: 0.5) })
    #expect(rate(result) == "0.0003")
  }

  @Test func aDivergedSeedCountsAsAGuess() throws {
    let result = try result([
      try Samples.record(learningRate: 0.01, seed: 0, validation: 1, test: [(64, 1), (128, 0.8)]),
      try Samples.record(
        learningRate: 0.01, seed: 1, test: [(64, 0), (128, 0)], status: .diverged),
      try Samples.record(learningRate: 0.001, seed: 0, validation: 0.5, test: [(64, 0), (128, 0)]),
      try Samples.record(learningRate: 0.001, seed: 1, validation: 0.5, test: [(64, 0), (128, 0)]),
    ])
    #expect(rate(result) == "0.01")
    #expect(result.validation?.values == [1, 0.1])
    #expect(result.score?.values == [0.9, 0.1])
    #expect(result.segments.map(\.values) == [[1, 0.1], [0.8, 0.1]])
    #expect(result.bands.map { $0?.values } == [[1, 0.1], [0.8, 0.1]])
    #expect(result.scores?.tokenAccuracy == 0.9)
    #expect((result.finished, result.diverged) == (1, 1))
  }

  @Test func aFailedSeedCountsNowhere() throws {
    var failed = try Samples.record(seed: 1, status: .failed)
    failed.model = nil
    let report = Report.make(records: [try Samples.record(seed: 0, test: [(64, 0.7)]), failed])
    let result = try #require(report.tasks.first?.results.first)
    #expect(result.score?.values == [0.7])
    #expect(result.failed == 1)
    #expect(report.unfinished.map(\.key) == [failed.key])
  }

  @Test func onlyFailedSeedsHaveNoScore() throws {
    let result = try result([try Samples.record(status: .failed)])
    #expect(result.score == nil)
    #expect(result.validation == nil)
  }

  @Test func scoresThatAreNotNumbersCountAsAGuess() throws {
    let result = try result([try Samples.record(validation: .nan, test: [(64, .nan)])])
    #expect(result.score?.mean == 0.1)
    #expect(result.validation?.mean == 0.1)
  }

  @Test func scaledScores() throws {
    #expect(
      abs(try #require(try result([try Samples.record(test: [(64, 0.55)])]).scaled) - 0.5) < 1e-12)
    #expect(try result([try Samples.record(chance: 1)]).scaled == nil)
  }

  /// Everything but the seed and the tuned settings is compared, even under one label.
  @Test func othersSettingsAreComparedAndNamed() throws {
    let report = Report.make(records: [
      try Samples.record(width: 128), try Samples.record(width: 16), try Samples.record(width: 32),
      try Samples.record(model: "gru"),
    ])
    #expect(
      report.models == ["delta-net width=16", "delta-net width=32", "delta-net width=128", "gru"])
    #expect(report.tasks.map(\.name) == ["recall"])
    #expect(Set(report.tasks[0].results.map(\.series)) == ["delta-net", "gru"])
  }

  @Test func tasksUnderOneLabelAreNamedApart() throws {
    let report = Report.make(records: [
      try Samples.record(test: [(64, 0.5)]), try Samples.record(test: [(128, 0.5)]),
    ])
    #expect(report.tasks.map(\.name) == ["recall length=64", "recall length=128"])
    #expect(report.models == ["delta-net"])
  }

  /// A grid that has grown: the first cell was trained under another label, and before the learning
  /// rate was tuned.
  @Test func thePlanNamesItsCells() throws {
    var records = try (0..<3).flatMap { seed in
      try [0.001, 0.01].map { rate in
        try Samples.record(
          model: "delta-net d=32", learningRate: rate, seed: seed,
          validation: rate == 0.001 ? [0.9, 0.5, 0.5][seed] : 0.6)
      }
    }
    let grid = Samples.grid(records)
    records[0].labels.model = "delta-net"
    records[0].tuned = []
    let report = Report.make(records: records, grid: grid)
    #expect(report.models == ["delta-net d=32"])
    let result = try #require(report.tasks.first?.results.first)
    #expect(rate(result) == "0.001" && result.finished == 3 && result.candidates == 2)

    // Labels that were given the wrong way round and then corrected.
    var first = try Samples.record(model: "unit", mixer: "a")
    var second = try Samples.record(model: "signed", mixer: "b")
    let corrected = Samples.grid([first, second])
    swap(&first.labels, &second.labels)
    let results = Report.make(records: [first, second], grid: corrected).tasks[0].results
    #expect(results.map(\.model) == ["unit", "signed"])
    #expect(results.map(\.series) == ["unit", "signed"])
    let compared = ComparedStore(name: "s", records: [first, second], grid: corrected)
    let rows = try Comparison.make([compared], by: .model).tasks[0].rows
    #expect(rows.map(\.architecture) == ["a", "b"] && rows.map(\.model) == ["unit", "signed"])
  }

  /// A cell of an earlier grid, whose model the present one has no more, and a model that was scored
  /// elsewhere on the earlier test.
  @Test func noTableMixesTests() throws {
    let present = try Samples.record(model: "gru", test: [(256, 0.5)])
    let earlier = try Samples.record(model: "lstm", test: [(64, 1)])
    var elsewhere = try Samples.record(model: "theirs", test: [(64, 1)])
    elsewhere.configuration.task.train = []
    elsewhere.configuration.task.validation = []
    let report = Report.make(
      records: [present, earlier, elsewhere], grid: Samples.grid([present]))
    #expect(report.tasks.map(\.name) == ["recall length=64", "recall length=256"])
    #expect(report.tasks.map { $0.results.map(\.model) } == [["lstm", "theirs"], ["gru"]])
    // Of the same test they stand side by side.
    elsewhere.configuration.task.test = present.configuration.task.test
    let together = Report.make(records: [present, elsewhere], grid: Samples.grid([present]))
    #expect(together.tasks.map(\.name) == ["recall"])
    #expect(together.models == ["gru", "theirs"])
  }

  @Test func tunedPathsCrossLists() throws {
    var records: [CellRecord] = []
    for (heads, accuracy) in [(1, 0.2), (2, 0.9), (4, 0.5)] {
      var record = try Samples.record(
        validation: accuracy, mixerSettings: ["heads": .integer(heads)])
      record.tuned = ["model.mixers.settings.heads", "training.learningRate"]
      records.append(record)
    }
    let result = try result(records)
    #expect(result.candidates == 3)
    #expect(result.chosen.map(\.name) == ["heads", "learningRate"])
    #expect(result.chosen.map(\.value) == ["2", "0.001"])
  }

  @Test func thePlansOrderAndGaps() throws {
    let records = try Samples.store(tasks: ["z", "a"], models: ["y", "b", "none"], seeds: 2)
    let grid = Samples.grid(records)
    let report = Report.make(
      records: records.filter { $0.labels.model != "none" }.shuffled(), grid: grid)
    #expect(report.tasks.map(\.name) == ["z", "a"])
    #expect(report.models == ["y", "b", "none"])
    #expect(report.gaps.map(\.task) == ["z", "a"])
    #expect(report.gaps.map(\.missing) == [2, 2])
  }

  @Test func cellsOfAnEarlierPlanAreLeftOut() throws {
    let planned = try Samples.record(learningRate: 0.001, test: [(64, 0.5)])
    let earlier = try Samples.record(learningRate: 0.01, validation: 1, test: [(64, 1)])
    let external = try Samples.record(model: "external")
    let report = Report.make(records: [planned, earlier, external], grid: Samples.grid([planned]))
    #expect(report.models == ["delta-net", "external"])
    #expect(report.tasks[0].results[0].candidates == 1)
    #expect(Report.make(records: [planned, earlier]).tasks[0].results[0].candidates == 2)
  }

  @Test func versionsAreNotAveraged() throws {
    let old = try Samples.record(test: [(64, 0.5)])
    var new = try Samples.record(test: [(64, 0.7)])
    new.versions.program = "2"
    new.key = String(repeating: "f", count: 16)
    let report = Report.make(records: [old, new])
    #expect(report.models == ["delta-net program=1", "delta-net program=2"])
  }

  @Test func chanceOfBandsIsThatOfTheirSegments() throws {
    var record = try Samples.record(test: [(64, 0.5), (128, 0.5)])
    record.test[0].chance = 0.25
    record.test[0].slices = [
      SliceResult(name: "depth", from: 0, to: 4, scores: Samples.scores(0.6, tokens: 100))
    ]
    record.test[1].slices = [
      SliceResult(name: "depth", from: 0, to: 4, scores: Samples.scores(0.2, tokens: 300))
    ]
    let task = try #require(Report.make(records: [record]).tasks.first)
    #expect(task.sliceNames == ["length"])
    let depth = try #require(task.bands.firstIndex { $0.slice == "depth" })
    #expect(abs(task.bands[depth].chance - (0.25 * 100 + 0.1 * 300) / 400) < 1e-12)
    #expect(abs(try #require(task.results[0].bands[depth]).mean - 0.3) < 1e-12)
    #expect(task.bands.filter { $0.slice == "length" }.map(\.band.from) == [64, 128])
    #expect(task.trainingLengths == Span(from: 8, to: 64))
  }

  @Test func curvesCarryOnAfterAnEarlyStopAndEndAtChanceAfterADivergence() throws {
    let result = try result([
      try Samples.record(seed: 0, curve: [0.5, 1]),
      try Samples.record(seed: 1, curve: [0.3, 0.4, 0.6]),
      try Samples.record(seed: 2, status: .diverged, curve: [0.4]),
    ])
    #expect(result.curve.map(\.step) == [100, 200, 300])
    for (found, expected) in zip(result.curve, [1.2 / 3, 1.5 / 3, 1.7 / 3]) {
      #expect(abs(found.score - expected) < 1e-12)
    }
  }

  @Test func theBestIsMarkedOnlyWhereTheSeedsSupportIt() throws {
    func best(_ scores: [String: [Double]]) throws -> String? {
      let records = try scores.flatMap { model, values in
        try values.enumerated().map {
          try Samples.record(model: model, seed: $0.offset, test: [(64, $0.element)])
        }
      }
      return Report.make(records: records).tasks[0].supportedBest
    }
    #expect(try best(["a": [0.9, 0.95], "b": [0.7, 0.8]]) == "a")
    #expect(try best(["a": [0.9, 0.95], "b": [0.7, 0.92]]) == nil)
    #expect(try best(["a": [0.9, 0.95], "b": [0.7]]) == nil)
    #expect(try best(["a": [1, 1], "b": [1, 1], "c": [0, 0]]) == nil)
    #expect(try best(["a": [1, 1]]) == nil)
  }

  @Test func throughputOnlyWhereItIsAskedFor() throws {
    let record = try Samples.record()
    let timing = CellTiming(
      key: record.key, wallSeconds: 1, trainSeconds: 1, evaluateSeconds: 1,
      tokensPerSecond: 54321, stepsPerSecond: 1, host: "", cpu: "", cpuLevel: "", device: "",
      jobs: 1, startedAt: "", program: "")
    let report = Report.make(records: [record], timings: [record.key: timing])
    let plain = Report.make(records: [record])
    #expect(report.csv() == plain.csv())
    #expect(report.json() == plain.json())
    #expect(report.markdown() == plain.markdown())
    #expect(report.timingsCSV()?.contains("54321") == true)
    #expect(plain.timingsCSV() == nil)
    #expect(report.terminalTable(width: 200, colour: false).contains("54.3 k"))
    #expect(!plain.terminalTable(width: 200, colour: false).contains("tokens/s"))
  }
}
