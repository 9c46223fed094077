import Configuration
import Foundation
import Platform
import Records
import Testing

@testable import Reports

/// report.html, as far as it can be checked without a browser; `Tests/Browser` has the rest.
@Suite struct PageTests {
  private static let hostile = [
    "</script><script>alert(1)</script>", "<!--", "-->", "\"><img src=x onerror=alert(1)>",
    "{{script}}", "{{data}}", "&lt;b&gt;", "\u{202E}turned", "\u{2028}line", "a\\u003cb", "']}",
    "__proto__", "<", "\u{1B}[31m", "",
  ]

  private func hostileReport() throws -> Report {
    var records = try Samples.store(
      tasks: Array(Self.hostile.prefix(4)), models: Self.hostile, seeds: 2, lengths: [64, 128],
      points: 3)
    var failed = try Samples.record(task: Self.hostile[0], model: Self.hostile[1], status: .failed)
    failed.reason = Self.hostile.joined()
    records.append(failed)
    var grid = Samples.grid(records, name: Self.hostile.joined())
    grid.description = Self.hostile.joined()
    var report = Report.make(records: records, grid: grid)
    report.published = Self.hostile.map {
      PublishedPoint(series: $0, task: nil, stateBytes: 4096, score: 0.5, source: $0)
    }
    return report
  }

  /// What stands between two texts, the second of which follows the first.
  private func between(_ start: String, _ end: String, in page: String) throws -> String {
    let open = try #require(page.firstRange(of: start))
    let rest = page[open.upperBound...]
    let close = try #require(rest.firstRange(of: end))
    return String(rest[..<close.lowerBound])
  }

  private func data(of page: String) throws -> String {
    try between("<script type=\"application/json\" id=\"data\">", "</script>", in: page)
  }

  @Test func namesStayInsideOfTheData() throws {
    let page = try hostileReport().html()
    let data = try data(of: page)
    #expect(!data.contains { "<>&".contains($0) })
    // The page without the data and the escaped title and description is the same for all names.
    let plain = Report.make(records: [try Samples.record()]).html()
    func frame(_ page: String) throws -> String {
      var page = page.replacing(try self.data(of: page), with: "")
      page = page.replacing(try between("<h1>", "</h1>", in: page), with: "")
      return page.replacing(
        try between("<p id=\"description\">", "</p>", in: page), with: "", maxReplacements: 1)
    }
    let (hostile, harmless) = (try frame(page), try frame(plain))
    #expect(hostile.count { $0 == "<" } == harmless.count { $0 == "<" })
    #expect(page.split(separator: "<script").count == 3)
    #expect(try between("<h1>", "</h1>", in: page).contains { "<>\"'".contains($0) } == false)
  }

  @Test func theDataIsWhatTheReportSays() throws {
    let report = try hostileReport()
    let text = try data(of: report.html())
    let data = try JSONDecoder().decode(Shown.self, from: Data(text.utf8))
    #expect(data.models.map(\.name) == report.models.map(Escaping.line))
    #expect(data.rows.map(\.score?.mean) == report.tasks.flatMap(\.results).map(\.score?.mean))
    #expect(data.counts.failed == 1)
    #expect(data.unfinished.map(\.reason) == [Escaping.line(Self.hostile.joined())])
    #expect(data.published.map(\.style.name).count == Self.hostile.count)
  }

  /// Some of the page's data, as another program would read it.
  private struct Shown: Decodable {
    struct Name: Decodable { let name: String }
    struct Score: Decodable { let mean: Double }
    struct Row: Decodable { let score: Score? }
    struct Counts: Decodable { let failed: Int }
    struct Cell: Decodable { let reason: String }
    struct Published: Decodable { let style: Name }

    let models: [Name]
    let rows: [Row]
    let counts: Counts
    let unfinished: [Cell]
    let published: [Published]
  }

  @Test func thePolicyAllowsTheScriptAndNothingElse() throws {
    let page = Report.make(records: [try Samples.record()]).html()
    let script = try between("<script>", "</script>", in: page)
    let policy = try between("Content-Security-Policy\" content=\"", "\"", in: page)
    let rules = policy.split(separator: "; ").map(String.init)
    #expect(rules.contains("default-src 'none'"))
    let allowed = try #require(rules.first { $0.hasPrefix("script-src ") })
    let hash = try between("'sha256-", "'", in: allowed)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bits = hash.filter { $0 != "=" }.compactMap { alphabet.firstIndex(of: $0) }
      .flatMap { value in (0..<6).reversed().map { value >> $0 & 1 } }
    let digits = stride(from: 0, to: 256, by: 4).map { place in
      String(bits[place..<place + 4].reduce(0) { $0 << 1 | $1 }, radix: 16)
    }
    #expect(digits.joined() == contentHash(Array(script.utf8)))
    for word in ["http:", "https:", "fetch(", "XMLHttpRequest", "import(", "innerHTML", "eval("] {
      #expect(!page.replacing("http://www.w3.org/2000/svg", with: "").contains(word), "\(word)")
    }
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func base64OfRFC4648(text: String, expected: String) {
    #expect(PageParts.base64(Array(text.utf8)) == expected)
  }

  @Test func equalRecordsGiveEqualBytes() throws {
    let records = try Samples.store(tasks: ["mqar", "parity"], models: ["a", "b"])
    let grid = Samples.grid(records)
    let first = Report.make(records: records, grid: grid).html()
    for _ in 0..<3 {
      #expect(Report.make(records: records.shuffled(), grid: grid).html() == first)
    }
  }

  @Test func anotherChoiceThanOnValidationIsSaid() throws {
    let records = try Samples.store(
      tasks: ["mqar"], models: ["a"], learningRates: [0.001, 0.003])
    let warning = try #require(Selection.testBest.warning)
    #expect(!Report.make(records: records).html().contains("SELECTED ON THE TEST"))
    let page = Report.make(records: records, selection: .testBest).html()
    #expect(try data(of: page).contains(warning))
  }

  @Test func longListsAreCut() throws {
    let records = try (0..<700).map { seed in
      try Samples.record(seed: seed, status: .diverged)
    }
    let text = try data(of: Report.make(records: records).html())
    #expect(text.split(separator: "\"status\":\"diverged\"").count - 1 == 500)
    #expect(text.contains("\"diverged\":700"))
  }

  /// The page of a small report, without the style and the script that all pages have.
  @Test func snapshot() throws {
    var records = try Samples.store(
      tasks: ["recall", "parity"], models: ["attention", "delta-net"],
      learningRates: [0.001, 0.003], seeds: 2, lengths: [64, 128], points: 3)
    records.append(
      try Samples.record(
        task: "parity", model: "lstm", chance: 0.5, test: [(64, 0), (128, 0)], status: .diverged))
    var report = Report.make(records: records, grid: Samples.grid(records))
    report.published = [
      PublishedPoint(
        series: "Delta Net", task: "recall", stateBytes: 8192, score: 0.9, source: "a <paper>")
    ]
    var page = report.html()
    for (part, name) in [(PageParts.style, "style"), (PageParts.script, "script")] {
      page = page.replacing(part, with: "{{\(name)}}")
    }
    page = page.replacing(PageParts.policy, with: "{{policy}}")
    // The data in lines, so that a difference can be read.
    page = page.replacing(",{", with: ",\n{")
    try Snapshot.check(page, "report.html")
  }
}

/// Texts that are kept in `Tests/Snapshots`.
enum Snapshot {
  private static let folder =
    Files.parent(of: Files.parent(of: Files.parent(of: #filePath))) + "/Tests/Snapshots"

  /// Expects a text to be the one that is kept.
  ///
  /// With `RECORD_SNAPSHOTS=1` in the environment it is kept instead, and the test fails, so that
  /// nobody records by accident.
  static func check(_ text: String, _ name: String) throws {
    let path = folder + "/" + name
    if Environment.value("RECORD_SNAPSHOTS") == "1" {
      try AtomicFile.write(Array(text.utf8), to: path)
      Issue.record("recorded \(name)")
      return
    }
    let kept = String(decoding: try Files.read(path), as: UTF8.self)
    guard text != kept else { return }
    let pairs = zip(text.split(separator: "\n"), kept.split(separator: "\n"))
    let first = pairs.first { $0 != $1 }
    Issue.record(
      "\(name) is not as kept: \(first.map { "'\($0)', kept: '\($1)'" } ?? "of another length")")
  }
}
