import Configuration
import Platform
import Records
import Testing

@testable import Reports

@Suite struct FigureTests {
  @Test(arguments: [true, false])
  func theFrontIsWhatNothingBeats(isHigherBetter: Bool) {
    var state: UInt64 = 7
    func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 60)
    }
    for _ in 0..<50 {
      let points = (0..<12).map { _ in Point(x: next(), y: next()) }
      let front = ParetoFront.of(points, isHigherBetter: isHigherBetter)
      let sign = isHigherBetter ? 1.0 : -1
      // By the definition: no other point is as small and better, or smaller and as good.
      let expected = Set(
        points.filter { point in
          !points.contains { other in
            let better = sign * other.y - sign * point.y
            return other.x <= point.x && better >= 0 && (other.x < point.x || better > 0)
          }
        })
      #expect(Set(front) == expected)
      #expect(front.count == expected.count)
      #expect(front == front.sorted { $0.x < $1.x })
    }
  }

  @Test func stepsHoldAScoreUpToTheNext() {
    let steps = ParetoFront.steps([Point(x: 1, y: 5), Point(x: 3, y: 2)], to: 9)
    let expected = [(1, 5), (3, 5), (3, 2), (9, 2)].map { Point(x: $0.0, y: $0.1) }
    #expect(steps == expected)
    #expect(ParetoFront.steps([], to: 9).isEmpty)
  }

  @Test func namesAtEndsKeepApart() {
    for wanted in [[10.0, 11, 12, 90], [100, 100, 100], [5], [0, 0, 99, 99, 50]] {
      let places = EndLabels.places(wanted, in: 0...100)
      let sorted = places.sorted()
      for (first, second) in zip(sorted, sorted.dropFirst()) {
        #expect(second - first >= EndLabels.lineHeight - 1e-9)
      }
      #expect(places.allSatisfy { (0...100).contains($0) })
      // Names stand in the order of the ends.
      let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
      #expect(order.map { places[$0] } == sorted)
    }
    #expect(EndLabels.places([20, 60], in: 0...100) == [20, 60])
  }

  @Test func singlePanelsNameTheirLines() throws {
    let records = try Samples.store(tasks: ["parity"], models: ["first", "second"])
    let lengths = try #require(figure("lengths.svg", records))
    #expect(lengths.contains(">second</text>") && lengths.contains("class=\"leader\""))
    let two = try Samples.store(tasks: ["parity", "mqar"], models: ["first", "second"])
    #expect(try #require(figure("lengths.svg", two)).contains("class=\"leader\"") == false)
  }

  private func figure(_ file: String, _ records: [CellRecord]) -> String? {
    Report.make(records: records, grid: Samples.grid(records)).figures()
      .first { $0.file == file }?.svg
  }

  @Test func aSeriesHasTheColourOfItsModels() throws {
    for models in [["a", "b"], (0..<12).map { "model-\($0)" }] {
      let records = try Samples.store(tasks: ["mqar"], models: models, widths: [16, 32])
      let report = Report.make(records: records, grid: Samples.grid(records))
      let styles = report.styles
      let series = Dictionary(uniqueKeysWithValues: report.seriesStyles.map { ($0.name, $0.style) })
      #expect(series.count == models.count)
      for result in report.tasks[0].results where result.model.hasSuffix("16") {
        #expect(styles[result.model]?.hue == series[result.series]?.hue)
      }
    }
  }

  @Test func sizesOfASeriesShareItsName() throws {
    let records = try [("attention, width 16", 16), ("attention", 32)].map { label, width in
      try Samples.record(model: label, mixer: "attention", width: width)
    }
    let report = Report.make(records: records, grid: Samples.grid(records))
    #expect(Set(report.tasks[0].results.map(\.series)) == ["attention"])
  }

  @Test func largeGridsAreDrawnInPart() throws {
    let records = try Samples.store(
      tasks: (0..<26).map { "task-\($0)" }, models: (0..<50).map { "model-\($0)" }, seeds: 1,
      points: 3)
    let report = Report.make(records: records, grid: Samples.grid(records))
    let figures = report.figures()
    #expect(figures.count == 5)
    for figure in figures {
      #expect(figure.svg.contains("The first 24 of 26 tasks."), "\(figure.file)")
      #expect(figure.svg.contains("The 48 models of 50 with the best mean score."))
      #expect(!figure.svg.contains(">task-24</text>"))
    }
    let means = report.models.map { model in
      report.tasks.compactMap { $0.result(of: model)?.scaled }.reduce(0, +)
    }
    let last = try #require(zip(report.models, means).min { $0.1 < $1.1 }?.0)
    #expect(!figures[1].svg.contains(">\(last)</text>"))
  }

  // MARK: - Heat

  @Test func heatMapsShowTheGridsOfTheRecords() throws {
    for name in ["passkey-small", "quick"] {
      let report = try PublishedTests.report(name)
      let scores = report.tasks.flatMap { task in
        task.results.flatMap { ($0.grids ?? []).flatMap { $0.flatMap { $0 } } }
      }
      let drawn = report.figures().first { $0.file == "heat-maps.svg" }
      #expect((drawn == nil) == scores.isEmpty, "\(name)")
      guard let drawn else { continue }
      let numbers = scores.compactMap(\.self).map { ">\(NumberText.fixed($0, 2))</text>" }
      #expect(numbers.allSatisfy(drawn.svg.contains), "\(name)")
    }
  }

  @Test func coloursRunFromChanceToPerfect() {
    #expect(heatShare(0.25, chance: 0.25, "tokenAccuracy") == 0)
    #expect(heatShare(1, chance: 0.25, "tokenAccuracy") == 1)
    #expect(heatShare(0.1, chance: 0.25, "tokenAccuracy") == 0)
    #expect(abs(heatShare(0.625, chance: 0.25, "tokenAccuracy") - 0.5) < 1e-9)
    #expect(heatShare(0, chance: 0.8, "totalVariation") == 1)
    #expect(heatShare(0.8, chance: 0.8, "totalVariation") == 0)
  }

  // MARK: - Published points

  @Test func publishedPointsAreDrawnBesideOurs() throws {
    let records = try Samples.store(tasks: ["mqar", "parity"], models: ["delta-net", "b"])
    var report = Report.make(records: records, grid: Samples.grid(records))
    func state() throws -> String {
      try #require(report.figures().first { $0.file == "state.svg" }).svg
    }
    #expect(try !state().contains(" hollow\""))
    _ = report.add(
      try PublishedResults.parse(
        #"""
        task,series,stateBytes,score,source
        mqar,DeltaNet,8192,0.75,"A paper, its ""Figure 2"", read off a plot with \#
        a ruler, as the caption of the second half of the page tells whoever gets so far"
        ,other,65536,0.5,
        """#, "p.csv"))
    let drawn = try state()
    // One marker on one task, one on both, and two in the legend.
    #expect(drawn.split(separator: " hollow\"").count - 1 == 5)
    #expect(drawn.contains(">DeltaNet, published</text>"))
    #expect(drawn.contains("Hollow: published, A paper, its &quot;Figure 2&quot;"))
    // Long sources take several lines.
    #expect(drawn.contains("gets so far</text>") && !drawn.contains("…"))
    #expect(report.publishedSeries[0].style.hue == report.seriesStyles[0].style.hue)
    #expect(report.markdown().contains("its \"Figure 2\""))
  }

  @Test(arguments: [
    ("", "p.csv: it is empty"),
    ("series,bytes,score,source", "p.csv:1: 'bytes' is no column"),
    ("series,score,score,source", "p.csv:1: 'score' is no column or one given twice"),
    ("series,stateBytes,score", "p.csv:1: the column 'source' is missing"),
    ("series,stateBytes,score,source\na,1,0.5", "p.csv:2: it has 3 fields"),
    ("series,stateBytes,score,source\n\na,0,0.5,x", "p.csv:3: stateBytes is '0'"),
    ("series,stateBytes,score,source\na,1,1.5,x", "p.csv:2: score is '1.5'"),
    ("series,stateBytes,score,source\na,1,nan,x", "p.csv:2: score is 'nan'"),
    ("series,stateBytes,score,source\n\"a\nb\",1,1,x\n,1,1,x", "p.csv:4: series is empty"),
    ("series,stateBytes,score,source\n\"unclosed,1,1,x", "p.csv:2: a quote is not closed"),
  ])
  func badPointsGetALine(text: String, message: String) {
    let error = #expect(throws: ReportError.self) { try PublishedResults.parse(text, "p.csv") }
    #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
  }

  @Test func publishedPointsOfAStoreAreItsFile() throws {
    let folder = "\(Environment.value("TMPDIR") ?? "/tmp")/points-\(Machine.processIdentifier)"
    try Files.makeFolder(folder)
    defer {
      try? Files.remove(folder + "/published.csv")
      try? Files.remove(folder)
    }
    #expect(try PublishedResults.read(of: folder).isEmpty)
    let grids = PublishedTests.root + "/tasks/mqar-based.published.csv"
    try PublishedResults.keep(grids, in: folder)
    let points = try PublishedResults.read(of: folder).points
    #expect(points.count == 40)
    #expect(points.allSatisfy { $0.task == nil && !$0.source.isEmpty })
    #expect(throws: ReportError.self) { try PublishedResults.read(folder + "/none.csv") }
  }
}
