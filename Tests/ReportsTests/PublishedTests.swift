import Platform
import Records
import Testing

@testable import Reports

/// What is committed under results/published, and the tables that the README shows of it.
@Suite struct PublishedTests {
  /// The folder of the package: this file's, three levels up.
  static let root = Files.parent(of: Files.parent(of: Files.parent(of: #filePath)))
  static let published = root + "/results/published"

  static func names() throws -> [String] {
    try Files.list(published).filter { Files.isFolder(published + "/" + $0) }
  }

  static func report(_ name: String) throws -> Report {
    let store = RunStore(published + "/" + name)
    let contents = try store.readAll()
    #expect(contents.problems.isEmpty, "\(name): \(contents.problems)")
    var report = Report.make(
      records: contents.records, timings: contents.timings, grid: try store.readGrid())
    #expect(report.add(try PublishedResults.read(of: store.folder)).isEmpty)
    return report
  }

  static func text(_ path: String) throws -> String {
    String(decoding: try Files.read(path), as: UTF8.self)
  }

  @Test func reportsComeOutOfTheRecords() throws {
    let names = try Self.names()
    #expect(names.contains("quick") && names.contains("standard"))
    for name in names {
      let report = try Self.report(name)
      #expect(report.gaps.isEmpty, "\(name): \(report.gaps.count) gaps")
      let folder = Self.published + "/" + name
      #expect(try Self.text(folder + "/report.md") == report.markdown(), "\(name)/report.md")
      #expect(try Self.text(folder + "/summary.csv") == report.csv(), "\(name)/summary.csv")
      for figure in report.figures() {
        #expect(try Self.text(folder + "/" + figure.file) == figure.svg, "\(name)/\(figure.file)")
      }
      #expect(try Self.text(folder + "/report.tex") == report.latex(), "\(name)/report.tex")
    }
  }

  @Test func tablesOfTheReadmeComeOutOfTheRecords() throws {
    let lines = try Self.text(Self.root + "/README.md").split(
      separator: "\n", omittingEmptySubsequences: false)
    var tables = 0
    for (index, line) in lines.enumerated() where line.hasPrefix("<!-- table: ") {
      let name = String(line.dropFirst("<!-- table: ".count).dropLast(" -->".count))
      let shown = lines[(index + 1)...].prefix { $0 != "<!-- end -->" }
      let made = try Self.report(name).markdown()
        .split(separator: "\n", omittingEmptySubsequences: false)
        .drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
      #expect(Array(shown) == Array(made), "the table of \(name) in the README")
      tables += 1
    }
    #expect(tables >= 2)
  }

  /// What the README shows lies there and is drawn from the records, as the test above checks.
  @Test func picturesOfTheReadmeAreFiguresOfReports() throws {
    let start = "](results/published/"
    var pictures = 0
    for line in try Self.text(Self.root + "/README.md").split(separator: "\n")
    where line.hasPrefix("![") {
      let path = try #require(line.firstRange(of: start)).upperBound
      let parts = line[path...].dropLast().split(separator: "/").map(String.init)
      try #require(parts.count == 2, "\(line)")
      let files = try Self.report(parts[0]).figures().map(\.file)
      #expect(files.contains(parts[1]), "\(line)")
      pictures += 1
    }
    #expect(pictures >= 2)
  }

  @Test func overviewsOfTheReadmeComeOutOfTheRecords() throws {
    let lines = try Self.text(Self.root + "/README.md").split(
      separator: "\n", omittingEmptySubsequences: false)
    var overviews = 0
    for (index, line) in lines.enumerated() where line.hasPrefix("<!-- overview: ") {
      let names = line.dropFirst("<!-- overview: ".count).dropLast(" -->".count)
        .split(separator: " ")
      let shown = lines[(index + 1)...].prefix { $0 != "<!-- end -->" }
      let made = ReportsOverview(try names.map { try Self.report(String($0)) }).markdown()
      #expect(shown.joined(separator: "\n") + "\n" == made, "the overview in the README")
      overviews += 1
    }
    #expect(overviews == 1)
  }
}
