import Configuration
import Records
import Testing

@testable import Reports

/// Columns and tables that tasks ask for, and the lines beside the models.
@Suite struct BreakdownTests {
  private func slice(_ name: String, _ from: Int, _ to: Int, _ accuracy: Double) -> SliceResult {
    SliceResult(name: name, from: from, to: to, scores: Samples.scores(accuracy, tokens: 100))
  }

  /// Three seeds of a task with an order slice, length bands and a grid.
  private func records(_ accuracies: [(first: Double, second: Double)]) throws -> [CellRecord] {
    try accuracies.enumerated().map { seed, accuracy in
      var record = try Samples.record(
        seed: seed, test: [(64, (accuracy.first + accuracy.second) / 2)])
      record.task.breakdowns = [
        .gap(name: "order gap", slice: "order", of: 0, less: 1),
        .reach(name: "length at 95%", slice: "length", share: 0.95),
        .grid(rows: "length", columns: "depth"),
      ]
      record.test[0].slices = [
        slice("length", 1, 40, 1), slice("length", 41, 80, 0.96), slice("length", 81, 128, 0.5),
        slice("length", 129, 192, 0.99), slice("order", 0, 0, accuracy.first),
        slice("order", 1, 1, accuracy.second),
      ]
      record.test[0].grids = [
        GridResult(
          rows: "length", columns: "depth",
          cells: [
            .init(row: 1...40, column: 0...0, scores: Samples.scores(accuracy.first)),
            .init(row: 41...80, column: 50...50, scores: Samples.scores(0.25)),
          ])
      ]
      return record
    }
  }

  @Test func gapsAreThoseOfEachSeed() throws {
    let report = Report.make(records: try records([(0.75, 0.5), (1, 0.25), (0.5, 0.5)]))
    let task = try #require(report.tasks.first)
    #expect(task.gaps == ["order gap"])
    let gap = try #require(task.results[0].gaps?[0])
    #expect(gap.values == [0.25, 0.75, 0])
    #expect(abs(gap.mean - 1.0 / 3) < 1e-12)
    #expect(task.sliceNames == ["length", "order"])
    #expect(report.markdown().contains("| order gap |"))
    #expect(report.csv().contains(",gap,order gap,,,tokenAccuracy,,0.333"))
  }

  /// 129 to 192 is good again, but 81 to 128 is not.
  @Test func reachesEndWhereTheScoreFirstFalls() throws {
    let report = Report.make(records: try records([(1, 1), (1, 1)]))
    #expect(report.tasks[0].results[0].reaches == [80])
    #expect(report.csv().contains(",reach,length at 95%,,,tokenAccuracy,,80.0"))
    var bad = try records([(1, 1)])
    bad[0].test[0].slices[0].scores = Samples.scores(0.94)
    #expect(Report.make(records: bad).tasks[0].results[0].reaches == [nil])
  }

  @Test func gridsAreTablesOfMeans() throws {
    let report = Report.make(records: try records([(0.75, 0.5), (0.25, 0.25)]))
    let task = report.tasks[0]
    #expect(task.grids?[0].rowBands.map(\.text) == ["1–40", "41–80"])
    #expect(task.grids?[0].columnBands.map(\.text) == ["0", "50"])
    #expect(task.results[0].grids == [[[0.5, nil], [nil, 0.25]]])
    #expect(report.markdown().contains("### By length and depth: delta-net"))
    #expect(report.csv().contains(",grid,length at depth 50,41,80,tokenAccuracy,,0.25"))
  }

  /// Without it, a model that diverges would stand better in these tables than in all others.
  @Test func aDivergedSeedIsAGuessInGrids() throws {
    var all = try records([(0.75, 0.5), (1, 1)])
    let breakdowns = all[1].task.breakdowns
    all[1] = try Samples.record(seed: 1, status: .diverged)
    all[1].task.breakdowns = breakdowns
    let result = Report.make(records: all).tasks[0].results[0]
    #expect(result.score?.values == [0.625, 0.1])
    #expect(result.grids == [[[(0.75 + 0.1) / 2, nil], [nil, (0.25 + 0.1) / 2]]])
  }

  @Test func aTaskWithoutBreakdownsHasNone() throws {
    let report = Report.make(records: [try Samples.record()])
    let task = report.tasks[0]
    #expect(task.gaps == nil && task.reaches == nil && task.grids == nil && task.further == nil)
    let json = String(decoding: report.json(), as: UTF8.self)
    for name in ["gaps", "reaches", "grids", "further", "baselineParts"] where name != "gaps" {
      #expect(!json.contains("\"\(name)\""))
    }
  }

  // MARK: - Baselines

  private func recordsWithBaselines() throws -> [CellRecord] {
    try (0..<3).map { seed in
      var record = try Samples.record(seed: seed, test: [(64, 0.5), (128, 0.25)])
      let values = [[0.5, 0.25], [0.25, 0.25], [0, 0.25]][seed]
      record.task.baselines = [
        .init(name: "3-gram", value: values[0], scores: Samples.scores(values[0]))
      ]
      for (place, value) in values.enumerated() {
        record.test[place].baselines = [
          BaselineResult(name: "3-gram", scores: Samples.scores(value), slices: [])
        ]
      }
      return record
    }
  }

  @Test func baselinesAreAveragedOverSeeds() throws {
    let report = Report.make(records: try recordsWithBaselines())
    let task = report.tasks[0]
    #expect(task.baselines.map(\.name) == ["3-gram"] && task.baselines[0].value == 0.25)
    #expect(task.baselineParts?[0].segments == [0.25, 0.25])
    #expect(task.baselineParts?[0].bands == [0.25, 0.25])
  }

  /// A guess without a formula is measured on each seed's examples.
  @Test func chanceIsAveragedOverSeeds() throws {
    let records = try [0.125, 0.25, 0.375].enumerated().map { seed, chance in
      try Samples.record(seed: seed, chance: chance, test: [(64, 0.5), (128, 0.75)])
    }
    let task = Report.make(records: records.reversed()).tasks[0]
    #expect(task.chance == 0.25 && task.results[0].scaled == (0.625 - 0.25) / 0.75)
    #expect(task.segments.map(\.chance) == [0.25, 0.25])
    #expect(task.bands.map(\.chance) == [0.25, 0.25])
    let store = ComparedStore(name: "s", records: records)
    #expect(try Comparison.make([store], by: .model).tasks[0].chance == 0.25)
    // Equal ones are not changed by rounding.
    let equal = try (0..<3).map { try Samples.record(seed: $0, chance: 0.1) }
    #expect(Report.make(records: equal).tasks[0].chance == 0.1)
  }

  @Test func baselinesStandInEveryTable() throws {
    let report = Report.make(records: try recordsWithBaselines())
    let lines = report.markdown().split(separator: "\n")
    // The overview, the task's own table and that of its slice.
    #expect(lines.count { $0.hasPrefix("| *chance*") } == 3)
    #expect(lines.count { $0.hasPrefix("| *3-gram*") && $0.contains("0.250") } == 3)
    #expect(report.terminalTable(width: 100, colour: false).contains("3-gram"))
    let rows = report.csv().split(separator: "\r\n").filter { $0.contains(",3-gram,") }
    let parts = rows.map { $0.split(separator: ",", omittingEmptySubsequences: false)[2] }
    #expect(
      parts == [
        "baseline", "baseline-segment", "baseline-segment", "baseline-slice", "baseline-slice",
      ])
  }

  // MARK: - Metrics of which less is better

  private func variation(_ value: Double) -> Scores {
    var scores = Samples.scores(0.5)
    scores.totalVariation = value
    scores.grammarAccuracy = 1 - value
    return scores
  }

  private func record(
    model: String = "delta-net", rate: Double = 0.001, seed: Int = 0, validation: Double,
    test: Double
  ) throws -> CellRecord {
    var record = try Samples.record(model: model, learningRate: rate, seed: seed)
    record.task.metric = "totalVariation"
    record.task.chance = 0.9
    record.task.further = [.init(metric: "grammarAccuracy", chance: 0.1)]
    record.validation = variation(validation)
    record.test[0].scores = variation(test)
    record.test[0].chance = 0.9
    record.testOverall = variation(test)
    return record
  }

  @Test func theLeastIsChosenAndBest() throws {
    let report = Report.make(records: [
      try record(rate: 0.001, seed: 0, validation: 0.4, test: 0.3),
      try record(rate: 0.001, seed: 1, validation: 0.4, test: 0.45),
      try record(rate: 0.01, seed: 0, validation: 0.5, test: 0.1),
      try record(rate: 0.01, seed: 1, validation: 0.5, test: 0.1),
      try record(model: "gru", seed: 0, validation: 0.6, test: 0.5),
      try record(model: "gru", seed: 1, validation: 0.6, test: 0.6),
    ])
    let task = report.tasks[0]
    let result = task.results[0]
    #expect(result.chosen.map(\.value) == ["0.001"])
    #expect(result.score?.best == 0.3 && result.score?.mean == 0.375)
    #expect(abs(try #require(result.scaled) - (0.9 - 0.375) / 0.9) < 1e-12)
    #expect(result.further?[0]?.values == [0.7, 0.55])
    #expect(task.supportedBest == "delta-net")
  }

  @Test func headingsSayThatLessIsBetter() throws {
    let report = Report.make(records: [try record(validation: 0.4, test: 0.25)])
    let text = report.markdown()
    #expect(text.contains("recall (totalVariation ↓)"))
    #expect(text.contains("| totalVariation ↓ |") && text.contains("| grammarAccuracy |"))
    let rows = report.csv().split(separator: "\r\n")
    #expect(rows[0].hasSuffix("stepsToThreshold,grammarAccuracy,totalVariation"))
    #expect(rows[1].hasPrefix("recall,oracle,oracle,,,,totalVariation,0.9,0.0,"))
    #expect(rows[2].hasSuffix(",0.75,0.25"))
    #expect(report.figures().first?.svg.contains("total variation (less is better)") == true)
  }

  /// Numbers of different metrics never stand under one name.
  @Test func metricsAreNotMixed() throws {
    let first = try Samples.record(test: [(64, 0.5)])
    var second = try Samples.record(test: [(64, 0.7)])
    second.task.metric = "sequenceAccuracy"
    second.key = String(repeating: "f", count: 16)
    let report = Report.make(records: [first, second])
    #expect(
      report.tasks.map(\.name)
        == ["recall metric=sequenceAccuracy", "recall metric=tokenAccuracy"])
  }
}
