import Platform
import Records
import Testing

@testable import Reports

@Suite struct OutputTests {
  private static let hostile = [
    "</text><script>", "a|b", "=cmd()", "a \"quoted\" 'name'", "line\r\nbreak", "../../x", "a,b",
    "&amp;", "\u{1B}[31mred", "\u{202E}turned", "**bold**", "名前", "<!-- -->", "]]>", "",
  ]

  private func hostileReport() throws -> Report {
    let records = try Samples.store(
      tasks: Self.hostile, models: Self.hostile, seeds: 2, lengths: [64, 128], points: 3)
    var grid = Samples.grid(records, name: "</title>|=1+1")
    grid.description = "a\n\n# heading <b>"
    return Report.make(records: records.dropLast(3) + [try failure()], grid: grid)
  }

  private func failure() throws -> CellRecord {
    var record = try Samples.record(task: Self.hostile[0], model: "failed", status: .failed)
    record.reason = "a | b\n</svg> \"x\""
    return record
  }

  /// Nobody should take the row of another program's model for one that was trained here.
  @Test func modelsTrainedElsewhereAreMarked() throws {
    let ours = try Samples.record(model: "delta-net")
    var theirs = try Samples.record(model: "theirs *x*")
    theirs.external = ExternalFacts(name: "theirs *x*", predictions: "0", scoredBy: "1")
    let report = Report.make(records: [ours, theirs])
    #expect(report.tasks[0].results.map(\.isExternal) == [nil, true])
    #expect(report.tasks[0].results.map(\.validation?.mean) == [0.5, nil])
    let markdown = report.markdown()
    #expect(markdown.contains("Trained elsewhere, known by predictions alone: theirs \\*x\\*."))
    #expect(markdown.contains("| 1 (trained elsewhere) |"))
    let lines = report.terminalTable(width: 200, colour: false).split(separator: "\n")
    #expect(lines.last == "trained elsewhere: theirs *x*")
    #expect(report.html().contains(#""external":true"#))
    #expect(!Report.make(records: [ours]).markdown().contains("elsewhere"))
  }

  @Test func commaSeparatedValuesStayRows() throws {
    let rows = Self.fields(of: try hostileReport().csv())
    let width = rows[0].count
    #expect(rows.allSatisfy { $0.count == width })
    let names = Set(rows.dropFirst().map { $0[1] })
    for name in Self.hostile {
      #expect(names.contains(name.hasPrefix("=") ? "'" + name : name))
    }
    #expect(!rows.joined().contains { $0.hasPrefix("=") })
  }

  /// Reads RFC 4180.
  private static func fields(of text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    let scalars = Array(text.unicodeScalars)
    var index = 0
    func append(_ scalar: Unicode.Scalar) {
      rows[rows.count - 1][rows[rows.count - 1].count - 1].unicodeScalars.append(scalar)
    }
    while index < scalars.count {
      let scalar = scalars[index]
      let isPair = index + 1 < scalars.count && scalars[index + 1] == "\""
      if isQuoted, scalar == "\"", isPair {
        append(scalar)
        index += 1
      } else if scalar == "\"" {
        isQuoted.toggle()
      } else if !isQuoted, scalar == "," {
        rows[rows.count - 1].append("")
      } else if !isQuoted, scalar == "\r" {
        rows.append([""])
        index += 1
      } else {
        append(scalar)
      }
      index += 1
    }
    return rows.dropLast()
  }

  @Test func markdownTablesKeepTheirColumns() throws {
    let report = try hostileReport()
    let lines = report.markdown().split(separator: "\n")
    var columns: Int?
    for line in lines {
      guard line.hasPrefix("|") else {
        columns = nil
        continue
      }
      let bars = line.replacing("\\|", with: "").count { $0 == "|" }
      #expect(columns == nil || columns == bars, "\(line)")
      columns = bars
    }
    #expect(!report.markdown().contains("<script>"))
    #expect(!report.markdown().contains("\u{1B}"))
    let links = lines.filter { $0.hasPrefix("![") }.compactMap { $0.split(separator: "(").last }
    #expect(links.map { String($0.dropLast()) } == report.figures().map(\.file))
  }

  @Test func figuresAreWellFormed() throws {
    for figure in try hostileReport().figures() {
      #expect(Self.isWellFormed(figure.svg), "\(figure.file)")
      #expect(!figure.svg.contains("<script>"))
      #expect(!figure.svg.contains("nan"))
    }
  }

  /// Whether all elements are closed in their order and no text has a bare `<` or `&`.
  private static func isWellFormed(_ text: String) -> Bool {
    var open: [Substring] = []
    for part in text.split(separator: "<").map({ $0.split(separator: ">", maxSplits: 1) }) {
      guard let tag = part.first else { return false }
      if let content = part.dropFirst().first {
        if open.last != "style", tag != "style", content.contains(">") { return false }
        for entity in content.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
          guard let name = entity.split(separator: ";").first,
            ["amp", "lt", "gt", "quot", "#39"].contains(name)
          else { return false }
        }
      }
      if tag.hasPrefix("/") {
        if open.popLast() != tag.dropFirst() { return false }
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { $0 != " " && $0 != "\n" })
      }
    }
    return open.isEmpty
  }

  @Test func terminalsAreNotSteered() throws {
    let text = try hostileReport().terminalTable(width: 100, colour: false)
    #expect(!text.contains("\u{1B}"))
    #expect(!text.contains("\u{202E}"))
    let coloured = try hostileReport().terminalTable(width: 100, colour: true)
    #expect(coloured.contains("\u{1B}[1m"))
    #expect(!coloured.contains("[31m\u{1B}"))
  }

  @Test func equalRecordsGiveEqualBytes() throws {
    let records = try Samples.store(
      tasks: ["mqar", "parity"], models: ["a", "b", "c"], learningRates: [0.001, 0.003])
    let grid = Samples.grid(records)
    let first = Report.make(records: records, grid: grid)
    for _ in 0..<3 {
      let again = Report.make(records: records.shuffled(), grid: grid)
      #expect(again.csv() == first.csv())
      #expect(again.json() == first.json())
      #expect(again.markdown() == first.markdown())
      #expect(again.figures().map(\.svg) == first.figures().map(\.svg))
    }
  }

  @Test func theFilesOfAReport() throws {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    let folder = "\(parent)/report-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
    defer {
      for name in (try? Files.list(folder)) ?? [] { try? Files.remove(folder + "/" + name) }
      try? Files.remove(folder)
    }
    try hostileReport().write(to: folder)
    let all = ["accuracy.svg", "curves.svg", "lengths.svg", "overview.svg"]
    let tables = ["report.html", "report.json", "report.md", "report.tex", "summary.csv"]
    #expect(try Files.list(folder) == all + tables.prefix(4) + ["state.svg", "summary.csv"])
    try Report.make(records: [try Samples.record()]).write(to: folder)
    #expect(try Files.list(folder) == ["accuracy.svg"] + tables)
    #expect(throws: ReportError.self) {
      try Report.make(records: []).write(to: folder + "/summary.csv/x")
    }
  }

  @Test func noRecordsAreNoError() {
    let report = Report.make(records: [])
    #expect(report.terminalTable(width: 80, colour: false) == "no results")
    #expect(report.figures().isEmpty)
    #expect(report.markdown().contains("no results"))
  }

  @Test func terminalTableOfOneTask() throws {
    var records = try Samples.store(
      tasks: ["parity"], models: ["attention"], seeds: 2, lengths: [64])
    records[1].status = .diverged
    records[0].task.baselines = [.init(name: "majority", value: 0.25)]
    let text = Report.make(records: records, grid: Samples.grid(records))
      .terminalTable(width: 60, colour: false)
    #expect(
      text == """
        parity

        model      tokenAccuracy  scaled  median   best  validation
        ─────────  ─────────────  ──────  ──────  ─────  ──────────
        chance      0.100
        majority    0.250
        oracle      1.000
        attention   0.548 ±0.448   0.498   0.548  0.997       0.548

        model               seeds  learningRate  parameters    state
        ─────────  ──────────────  ────────────  ──────────  ───────
        chance
        majority
        oracle
        attention  2 (1 diverged)         0.001       3,200  128 KiB

        model      eigenvalues
        ─────────  ───────────
        chance
        majority
        oracle
        attention  [0, 1]

        1 cell diverged (counted as a guess)
        """)
  }

  @Test func twoThousandCellsAreFast() throws {
    let records = try Samples.store(
      tasks: (0..<8).map { "task-\($0)" }, models: (0..<21).map { "model-\($0)" },
      learningRates: [0.001, 0.003, 0.01, 0.03], seeds: 3, points: 5)
    #expect(records.count == 2016)
    let start = MonotonicClock.seconds
    let report = Report.make(records: records, grid: Samples.grid(records))
    #expect(report.tasks.count == 8)
    #expect(!report.csv().isEmpty)
    #expect(!report.figures().isEmpty)
    #expect(MonotonicClock.seconds - start < 20)
  }
}
