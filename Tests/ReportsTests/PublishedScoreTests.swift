import Records
import Testing

@testable import Reports

/// Scores published elsewhere, in a table beside ours.
@Suite struct PublishedScoreTests {
  /// A model that scores 0.75 on all examples, 1 up to length 40 and 0.5 beyond.
  private func report() throws -> Report {
    var record = try Samples.record(task: "parity", model: "lstm", chance: 0.25, test: [(64, 0.75)])
    record.test[0].slices = [(1, 40, 1), (41, 80, 0.5)].map { from, to, accuracy in
      SliceResult(
        name: "length", from: from, to: to, scores: Samples.scores(accuracy, tokens: 100))
    }
    return Report.make(records: [record])
  }

  private func table(_ text: String) throws -> [String] {
    var report = try report()
    let chance = report.tasks[0].chance
    #expect(chance == 0.25)
    #expect(report.add(try PublishedResults.parse(text, "p.csv")).isEmpty)
    let markdown = report.markdown()
    guard let start = markdown.firstRange(of: "### Beside published scores\n\n")?.upperBound else {
      return []
    }
    return markdown[start...].split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { !$0.isEmpty }.map(String.init)
  }

  @Test func ourScoresAndThePublishedOnesAreScaled() throws {
    let rows = try table(
      """
      model,task,slice,from,to,scaled,source
      lstm,parity,,,,1,A table
      lstm,,length,41,80,-0.03,Another
      """)
    #expect(
      rows == [
        "| model | scaled (published) | 41–80 |", "| :--- | ---: | ---: |",
        "| lstm | 0.667 (1.000) | 0.333 (-0.030) |",
      ])
  }

  @Test func ofBandsAloneAndOfAllAlone() throws {
    let bands = try table("model,slice,from,to,scaled,source\nlstm,length,1,40,0.5,x")
    #expect(bands.last == "| lstm | 0.667 | 1.000 (0.500) |")
    #expect(try table("model,scaled,source\nlstm,0.5,x").last == "| lstm | 0.667 (0.500) |")
  }

  @Test func whatIsOfOtherTasksOrBandsIsNotShown() throws {
    #expect(try table("model,task,scaled,source\nlstm,mqar,0.5,x").isEmpty)
    let others = try table("model,slice,from,to,scaled,source\nlstm,length,1,64,0.5,x")
    #expect(others.last == "| lstm | 0.667 |")
  }

  /// A spreadsheet's UTF-8 begins with a mark, and its lines end with two characters.
  @Test func filesOfSpreadsheetsAreRead() throws {
    let file = "\u{FEFF}model,scaled,source\r\nlstm,0.5,\"x, \"\"y\"\"\"\r\n"
    #expect(try table(file).last == "| lstm | 0.667 (0.500) |")
    #expect(try PublishedResults.parse(file, "p.csv").scores.map(\.source) == ["x, \"y\""])
  }

  @Test func sourcesAreNamedOnce() throws {
    var report = try report()
    let text = "model,slice,from,to,scaled,source\nlstm,,,,1,A_1\nlstm,length,1,40,1,A_1"
    _ = report.add(try PublishedResults.parse(text, "p.csv"))
    #expect(report.markdown().ranges(of: "A\\_1").count == 1)
    #expect(report.published == nil && report.tasks[0].published?.count == 2)
  }

  @Test func unknownModelsAreReported() throws {
    var report = try report()
    let text = "model,scaled,source\nlstm,1,x\ngru,1,x\n\"a\nb\",1,x\ngru,0,y"
    #expect(report.add(try PublishedResults.parse(text, "p.csv")) == ["a b", "gru"])
  }

  @Test(arguments: [
    ("model,score,source", "p.csv:1: 'score' is no column"),
    ("model,stateBytes,source", "p.csv:1: 'stateBytes' is no column"),
    ("scaled,source", "p.csv:1: the column 'model' is missing"),
    ("model,scaled,source\na,1", "p.csv:2: it has 2 fields"),
    ("model,scaled,source\na,1.5,x", "p.csv:2: scaled is '1.5'; it must be a number from -1 to 1"),
    ("model,scaled,source\n,1,x", "p.csv:2: model is empty"),
    ("model,scaled,source\na,1,\"x\nb,1,y", "p.csv:2: a quote is not closed"),
    ("model,slice,from,to,scaled,source\na,s,x,2,1,x", "p.csv:2: from is 'x'"),
    ("model,slice,from,to,scaled,source\na,s,3,2,1,x", "p.csv:2: to is '2'; it must be a whole"),
    ("model,slice,from,to,scaled,source\na,,3,,1,x", "p.csv:2: from is '3'; it must be empty"),
  ])
  func badScoresGetALine(text: String, message: String) {
    let error = #expect(throws: ReportError.self) { try PublishedResults.parse(text, "p.csv") }
    #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
  }

  /// Those of a grid of the package are of its tasks and models.
  @Test func scoresOfParityAreOfItsGrid() throws {
    let root = PublishedTests.root
    let file = root + "/tasks/parity-negative-eigenvalues.published.csv"
    let scores = try PublishedResults.read(file).scores
    #expect(scores.count == 21 + 6 * 3 * 4)
    let grid = try PublishedTests.text(root + "/tasks/parity-negative-eigenvalues.yaml")
    for name in Set(scores.map(\.model) + scores.compactMap(\.task)) {
      #expect(grid.contains("label: \(name)"), "\(name)")
    }
  }
}
