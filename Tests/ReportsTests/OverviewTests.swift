import Configuration
import Records
import Reports
import Testing

/// The table over several grids.
@Suite struct OverviewTests {
  private func report(
    _ name: String, task: String, chance: Double = 0.1, baseline: Double? = nil,
    metric: String = "tokenAccuracy", scores: KeyValuePairs<String, Double>
  ) throws -> Report {
    var records: [CellRecord] = []
    for (model, score) in scores {
      for seed in 0..<3 {
        var record = try Samples.record(
          task: task, model: model, seed: seed, chance: chance,
          test: [(64, score + 0.001 * Double(seed))])
        record.task = TaskFacts(
          metric: metric, chance: chance,
          baselines: baseline.map { [.init(name: "look-up", value: $0)] } ?? [], vocabulary: 16)
        records.append(record)
      }
    }
    return Report.make(records: records, grid: Samples.grid(records, name: name))
  }

  /// The cells of a row without their padding.
  private func cells(_ overview: ReportsOverview, row: Int) -> [String] {
    overview.table.rows[row].map(\.text)
  }

  @Test func rowsAreTasksAndColumnsTheModelsOfMostGrids() throws {
    let overview = ReportsOverview([
      try report("first", task: "recall", scores: ["a": 0.5, "b": 0.25]),
      try report("second", task: "parity", chance: 0.5, scores: ["b": 0.75, "c": 0.5]),
      try report("third", task: "recall", scores: ["d": 0.5, "b": 0.25, "a": 0.5]),
    ])
    #expect(overview.models == ["a", "b"])
    #expect(
      overview.table.columns.map(\.heading) == ["grid", "task", "metric", "guess", "a", "b"])
    #expect(overview.table.rows.count == 3)
    #expect(
      cells(overview, row: 0)
        == ["first", "recall", "tokenAccuracy", "0.100", "0.501 ±0.001", "0.251 ±0.001"])
    #expect(
      cells(overview, row: 1)
        == ["second", "parity", "tokenAccuracy", "0.500", "–", "0.751 ±0.001"])
    #expect(cells(overview, row: 2).suffix(2) == ["0.501 ±0.001", "0.251 ±0.001"])
  }

  @Test func scoresAreThoseOfTheReportsAndTheBestIsStrong() throws {
    let report = try report("one", task: "recall", scores: ["a": 0.5, "b": 0.25])
    let overview = ReportsOverview([report])
    #expect(overview.table.rows[0][4].style == .strong)
    #expect(overview.table.rows[0][5].style == .plain)
    let lines = report.markdown().split(separator: "\n").filter { $0.hasPrefix("| ") }
    #expect(lines.contains { $0 == "| a | \(Self.strong("0.501 ±0.001")) |" })
    #expect(overview.markdown().contains(" | \(Self.strong("0.501 ±0.001")) | 0.251 ±0.001 |"))
  }

  private static func strong(_ text: String) -> String { "**\(text)**" }

  @Test func aSolverThatBeatsTheGuessIsNamedInstead() throws {
    let above = ReportsOverview([
      try report("one", task: "recall", baseline: 0.3, scores: ["a": 0.5])
    ])
    #expect(cells(above, row: 0)[3] == "0.300 (look-up)")
    let below = ReportsOverview([
      try report("one", task: "recall", baseline: 0.05, scores: ["a": 0.5])
    ])
    #expect(cells(below, row: 0)[3] == "0.100")
    // Where less is better, a smaller value beats the guess, and the metric's name says so.
    let loss = ReportsOverview([
      try report("one", task: "recall", baseline: 0.05, metric: "loss", scores: ["a": 0.5])
    ])
    #expect(cells(loss, row: 0)[2...3] == ["loss ↓", "0.050 (look-up)"])
  }
}

/// Tables of parts of the test data.
@Suite struct PartTests {
  private func report(_ varied: String) throws -> Report {
    var records: [CellRecord] = []
    for seed in 0..<3 {
      var record = try Samples.record(seed: seed, test: [(64, 0.5), (128, 0.25)])
      for index in 0..<2 {
        record.configuration.task.test[index].settings = [varied: .integer(index)]
        record.test[index].slices = [
          SliceResult(name: "length", from: index, to: index, scores: record.test[index].scores)
        ]
      }
      records.append(record)
    }
    return Report.make(records: records, grid: Samples.grid(records))
  }

  @Test func segmentsThatDifferInMoreThanSlicesHaveATable() throws {
    let markdown = try report("ignore").markdown()
    #expect(
      markdown.contains(
        """
        ### By test segment

        | model \\\\ segment | ignore=0 | ignore=1 |
        | :--- | ---: | ---: |
        | *chance* | *0.100* | *0.100* |
        | *oracle* | *1.000* | *1.000* |
        | delta-net | 0.500 ±0.000 | 0.250 ±0.000 |
        """))
  }

  @Test func segmentsThatAreSlicesHaveNone() throws {
    #expect(!(try report("length").markdown().contains("By test segment")))
  }

  /// Such a seed is no guess: what its test data does not have says nothing of the model.
  @Test func aBandThatASeedLacksCountsForTheOthersAlone() throws {
    func record(seed: Int, hasBand: Bool) throws -> CellRecord {
      var record = try Samples.record(seed: seed, test: [(64, 0.75)])
      record.test[0].slices = [
        SliceResult(name: "depth", from: 2, to: 2, scores: record.test[0].scores),
        SliceResult(name: "depth", from: 1, to: 1, scores: record.test[0].scores),
      ]
      if !hasBand { record.test[0].slices.removeLast() }
      return record
    }
    let records = [
      try record(seed: 0, hasBand: true), try record(seed: 1, hasBand: false),
      try Samples.record(seed: 2, status: .diverged),
    ]
    let task = Report.make(records: records, grid: Samples.grid(records)).tasks[0]
    let values = try zip(task.bands, task.results[0].bands).map { band, statistic in
      (band.band.from, try #require(statistic).values)
    }
    #expect(values.map(\.0) == [1, 2])
    #expect(values.map(\.1) == [[0.75, 0.1], [0.75, 0.75, 0.1]])
  }
}
