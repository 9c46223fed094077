import Configuration
import Records
import Testing

@testable import Reports

/// Models side by side, against values computed independently of the program.
@Suite struct ComparisonTests {
  /// The scores of five seeds, and in each the mean, the median and the ends of the interval.
  ///
  /// The values were made with Python, in rational numbers: of all 5^5 = 3125 resamples of
  /// `itertools.product(scores, repeat=5)` the sorted means at the places ceil(0.025 * 3125) and
  /// ceil(0.975 * 3125), counted from 1.
  private static let known: [(model: String, scores: [Double], expected: [Double])] = [
    ("attention", [0.91, 0.87, 0.95, 0.78, 0.89], [0.88, 0.89, 0.95, 0.824, 0.926]),
    ("delta-net", [0.85, 0.88, 0.86, 0.70, 0.83], [0.824, 0.85, 0.88, 0.76, 0.866]),
    ("gru", [0.90, 0.80, 0.97, 0.80, 0.86], [0.866, 0.86, 0.97, 0.812, 0.922]),
  ]

  private func records(
    _ model: String, _ scores: [Double], task: String = "recall", mixer: String? = nil,
    width: Int = 32, validation: Double = 0.5
  ) throws -> [CellRecord] {
    try scores.enumerated().map { seed, score in
      try Samples.record(
        task: task, model: model, mixer: mixer, width: width, seed: seed, validation: validation,
        test: [(64, score)])
    }
  }

  private func store(_ records: [CellRecord]) -> ComparedStore { store("one", records) }

  private func store(_ name: String, _ records: [CellRecord]) -> ComparedStore {
    ComparedStore(name: name, records: records.shuffled(), grid: Samples.grid(records))
  }

  private func knownStore() throws -> ComparedStore {
    store(try Self.known.flatMap { try records($0.model, $0.scores) })
  }

  private func isClose(_ found: [Double?], _ expected: [Double]) -> Bool {
    found.count == expected.count
      && zip(found, expected).allSatisfy { found, expected in
        found.map { abs($0 - expected) < 1e-12 } ?? false
      }
  }

  @Test func meansMediansAndIntervals() throws {
    let task = try Comparison.make([try knownStore()], by: .model).tasks[0]
    for (row, known) in zip(task.rows, Self.known) {
      let score = try #require(row.score)
      #expect(row.model == known.model && row.seedNumbers == [0, 1, 2, 3, 4])
      #expect(
        isClose(
          [score.mean, score.median, score.best, score.lower, score.upper], known.expected))
    }
  }

  /// By the same enumeration over the differences of each seed: from the first model the second
  /// one's are -0.06, 0.01, -0.09, -0.08, -0.06, the third one's -0.01, -0.07, 0.02, 0.02, -0.03.
  @Test func pairedDifferences() throws {
    let task = try Comparison.make([try knownStore()], by: .model).tasks[0]
    #expect(task.reference == "attention" && task.rows[0].difference == nil)
    let second = try #require(task.rows[1].difference)
    let third = try #require(task.rows[2].difference)
    #expect(
      isClose(
        [second.statistic.mean, second.statistic.lower, second.statistic.upper],
        [-0.056, -0.082, -0.022]))
    #expect(
      isClose(
        [third.statistic.mean, third.statistic.lower, third.statistic.upper],
        [-0.014, -0.044, 0.014]))
    #expect(second.isSupported && !third.isSupported)
    // The intervals of the two means overlap: only the pairs tell them apart.
    let scores = try task.rows.map { try #require($0.score) }
    #expect(try #require(scores[1].upper) > #require(scores[0].lower))
  }

  @Test func unsupportedDifferencesAreMarked() throws {
    let store = try knownStore()
    let rows = try Comparison.make([store], by: .model, baseline: "delta-net")
      .terminalText(width: 200, colour: false).split(separator: "\n")
    let row = { (model: String) in rows.first { $0.hasPrefix(model) } ?? "" }
    #expect(row("attention").contains("+0.056 [+0.022, +0.082]        yes"))
    #expect(row("gru").contains(" no "))
    #expect(row("delta-net").contains("reference"))
    let overview = try Comparison.make([store], by: .task).markdown()
    #expect(overview.contains("| **0.880 ±0.051** | 0.824 ±0.053 | 0.866 ±0.055 \\~ |"))
    let csv = try Comparison.make([store], by: .model).csv()
    #expect(csv.contains(",5,yes,") && csv.contains(",5,no,"))
  }

  /// Seeds that only one of two models has say nothing of their difference.
  @Test func onlyCommonSeedsArePaired() throws {
    let both =
      try records("a", [0.9, 0.8, 0.7]) + records("b", [0.5, 0.4, 0.3, 0.2]).dropFirst()
    let task = try Comparison.make([store(both)], by: .model).tasks[0]
    #expect(task.rows[1].difference?.seedNumbers == [1, 2])
    #expect(isClose(task.rows[1].difference?.statistic.values ?? [], [-0.4, -0.4]))
    let apart = try [records("a", [0.9])[0], records("b", [0.5, 0.4])[1]]
    #expect(try Comparison.make([store(apart)], by: .model).tasks[0].rows[1].difference == nil)
    let single = try records("a", [0.9]) + records("b", [0.5])
    let alone = try Comparison.make([store(single)], by: .model).tasks[0].rows[1].difference
    #expect(alone?.isSupported == false)
  }

  @Test func aDivergedSeedIsAGuess() throws {
    var cells = try records("a", [0.9, 0.9]) + records("b", [0.5, 0.5])
    cells[3] = try Samples.record(model: "b", seed: 1, status: .diverged)
    let row = try Comparison.make([store(cells)], by: .model).tasks[0].rows[1]
    #expect(row.score?.values == [0.5, 0.1] && row.diverged == 1)
    let loss = try Comparison.make([store(cells)], by: .model, metric: .loss).tasks[0].rows[1]
    // Equal probabilities of 16 tokens: ln 16.
    #expect(isClose(loss.score?.values ?? [], [1, 2.772588722239781]))
  }

  @Test func oneModelStandsForAnArchitecture() throws {
    let cells =
      try records("small", [0.9], mixer: "gru", width: 16, validation: 0.3)
      + records("large", [0.6], mixer: "gru", width: 64, validation: 0.7)
      + records("other", [0.7], mixer: "attention")
    let rows = try Comparison.make([store(cells)], by: .architecture).tasks[0].rows
    #expect(rows.map(\.architecture) == ["gru", "attention"])
    #expect(rows.map(\.model) == ["large", "other"])
    #expect(rows.map(\.models) == [2, 1])
  }

  /// No validation score says which of them would stand for the others.
  @Test func modelsTrainedElsewhereAreArchitecturesOfTheirOwn() throws {
    var cells = try records("theirs", [0.2], mixer: "external")
    cells += try records("yours", [0.9], mixer: "external")
    for place in cells.indices {
      cells[place].external = ExternalFacts(name: "x", predictions: "", scoredBy: "")
    }
    let rows = try Comparison.make([store(cells)], by: .architecture).tasks[0].rows
    #expect(rows.map(\.architecture) == ["theirs", "yours"])
  }

  /// Answers alone say nothing of the cross-entropy; a model of ours without one has diverged.
  @Test func whatAnswersDoNotTellIsNoGuess() throws {
    var cells = try records("ours", [0.9]) + records("lost", [0.8]) + records("theirs", [0.9])
    cells[1].testOverall?.loss = .nan
    cells[2].testOverall?.loss = .nan
    cells[2].external = ExternalFacts(name: "theirs", predictions: "", scoredBy: "")
    let task = try Comparison.make([store(cells)], by: .model, metric: .loss).tasks[0]
    let scores = Dictionary(uniqueKeysWithValues: task.rows.map { ($0.model, $0.score?.mean) })
    #expect(scores["lost"] == task.chance && task.chance != nil)
    #expect(scores["theirs"] == .some(nil))
    #expect(task.reference == "ours")
  }

  @Test func metricsAndBaselinesThatThereAreNot() throws {
    let store = try knownStore()
    #expect(throws: ComparisonError.self) {
      try Comparison.make([store], by: .model, metric: .totalVariation)
    }
    let error = #expect(throws: ComparisonError.self) {
      try Comparison.make([store], by: .model, baseline: "lstm")
    }
    #expect(
      error?.description
        == "there is no model 'lstm' to compare with; there are: attention, delta-net, gru")
  }

  // MARK: - Stores

  @Test func cellsOfSeveralStoresCountOnce() throws {
    let first = try records("a", [0.9, 0.8])
    var second = try records("a", [0.9, 0.8]) + records("b", [0.5, 0.4])
    second[1].testOverall = Samples.scores(0.1)
    // Not equal to itself, and yet no conflict.
    second[0].validation?.loss = .nan
    var known = first
    known[0].validation?.loss = .nan
    let comparison = try Comparison.make(
      [store("one", known), store("two", second)], by: .model)
    #expect(comparison.duplicates == 1)
    #expect(comparison.conflicts.map(\.key) == [first[1].key])
    #expect(comparison.conflicts.map(\.used) == ["one"])
    #expect(comparison.tasks[0].rows[0].score?.values == [0.9, 0.8])
    #expect(comparison.tasks[0].rows.map(\.stores) == [["one"], ["two"]])
    #expect(comparison.remarks.count == 2)
  }

  @Test func storesOfOneGridAreComparedRowByRow() throws {
    let first = store("cpu", try records("a", [0.9, 0.8]) + records("b", [0.5, 0.4]))
    let second = store("gpu", try records("a", [0.9, 0.8]) + records("b", [0.6, 0.5]))
    #expect(ComparedStore.holdOneGrid([first, second]))
    #expect(!ComparedStore.holdOneGrid([first, store("x", try records("a", [1]))]))
    #expect(!ComparedStore.holdOneGrid([first]))
    let task = try Comparison.make([first, second], by: .store).tasks[0]
    #expect(task.reference == "cpu" && task.rows.count == 4)
    let differences = task.rows.map { $0.difference?.statistic.values }
    #expect(differences[0] == nil && differences[2] == nil)
    #expect(differences[1] == [0, 0])
    #expect(isClose(differences[3] ?? [], [0.1, 0.1]))
    let text = try Comparison.make([first, second], by: .store).markdown()
    #expect(text.contains("| model | cpu | gpu | gpu less cpu | supported |"))
    #expect(ComparedStore.names(["x/one", "y/two/"]) == ["one", "two"])
    #expect(ComparedStore.names(["x/one", "y/one"]) == ["x/one", "y/one"])
  }

  /// A label is no result.
  @Test func anotherNameIsNoOtherResult() throws {
    let record = try records("a", [0.9])[0]
    var renamed = record
    renamed.labels.model = "b"
    let comparison = try Comparison.make(
      [store("one", [record]), store("two", [renamed])], by: .model)
    #expect(comparison.conflicts.isEmpty && comparison.duplicates == 1)
  }

  /// Only of the same examples are differences paired.
  @Test func storesOfOtherTestsAreNotSubtracted() throws {
    let first = store("short", [try Samples.record(model: "a", test: [(64, 0.9)])])
    let second = store("long", [try Samples.record(model: "a", test: [(256, 0.5)])])
    let tasks = try Comparison.make([first, second], by: .store).tasks
    #expect(tasks.map(\.name) == ["recall length=64", "recall length=256"])
    #expect(tasks.allSatisfy { $0.rows.allSatisfy { $0.difference == nil } })
    let others = store("long", [try Samples.record(model: "b", test: [(256, 0.5)])])
    let pooled = try Comparison.make([first, others], by: .model).tasks
    #expect(pooled.map { $0.rows.count } == [1, 1])
  }

  @Test func equalStoresGiveEqualBytes() throws {
    let records = try Samples.store(tasks: ["t", "u"], models: ["a", "b"], widths: [16, 32])
    let make = { (axis: Comparison.Axis) in
      try Comparison.make([store("s", records), store("t", records)], by: axis)
    }
    for axis in Comparison.Axis.allCases {
      let first = try make(axis)
      let again = try make(axis)
      #expect(first == again && first.csv() == again.csv())
      #expect(RecordCoding.pretty(first) == RecordCoding.pretty(again))
      #expect(first.latex() == again.latex() && first.markdown() == again.markdown())
    }
  }

  @Test func timesAndCostsStandInTheRows() throws {
    var cells = try records("a", [0.9, 0.8, 0.7])
    for place in cells.indices { cells[place].model?.flopsPerToken = 1e6 }
    let timings = cells.map { cell in
      CellTiming(
        key: cell.key, wallSeconds: 90, trainSeconds: 1, evaluateSeconds: 1,
        tokensPerSecond: 54321, stepsPerSecond: 1, host: "", cpu: "", cpuLevel: "", device: "",
        jobs: 1, startedAt: "", program: "")
    }
    let store = ComparedStore(
      name: "s", records: cells,
      timings: Dictionary(uniqueKeysWithValues: timings.map { ($0.key, $0) }))
    let comparison = try Comparison.make([store], by: .model)
    let text = comparison.terminalText(width: 200, colour: false)
    #expect(text.contains("1.00 M") && text.contains("54.3 k") && text.contains("90.0 s"))
    #expect(comparison.csv().contains(",1000000.0,54321.0,90.0\r\n"))
  }
}
