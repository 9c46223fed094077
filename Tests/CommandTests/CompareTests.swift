import Foundation
import Testing

/// Tables of stores: `compare`, and what `report` prints instead of its own table.
@Suite struct CompareTests {
  private static let published = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("results/published")

  /// A folder with copies of a small published store: two models, three seeds.
  private func program(_ copies: String...) throws -> Program {
    let program = try Program()
    for copy in copies {
      let target = program.folder.appendingPathComponent(copy)
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      for file in ["records.jsonl", "grid.json"] {
        try FileManager.default.copyItem(
          at: Self.published.appendingPathComponent("parity-published/" + file),
          to: target.appendingPathComponent(file))
      }
    }
    return program
  }

  @Test func modelsOfAStore() throws {
    let program = try program("a")
    let call = try program.call("compare", "a")
    #expect(call.status == 0 && call.errors.isEmpty && call.isPlain, "\(call.errors)")
    let rows = call.output.split(separator: "\n")
    #expect(rows.contains { $0.hasPrefix("delta-net signed") && $0.contains("reference") })
    #expect(rows.contains { $0.hasPrefix("delta-net unit") && $0.contains(" yes") })
    for line in ["chance", "oracle"] { #expect(rows.contains { $0.hasPrefix(line) }) }
    #expect(program.contents == ["a", "a/records.jsonl", "a/grid.json"])
  }

  @Test func storesOfOneGrid() throws {
    let program = try program("a", "b")
    let call = try program.call("compare", "a", "b/")
    #expect(call.status == 0 && call.output.contains("b less a"))
    #expect(call.errors.contains("6 cells are in several stores with the same result"))
    let pooled = try program.call("compare", "a", "b", "--by", "architecture")
    #expect(pooled.status == 0 && pooled.output.contains("best on validation"))
  }

  @Test(arguments: ["json", "csv", "markdown", "latex"])
  func formats(_ format: String) throws {
    let program = try program("a")
    for command in [["compare", "a"], ["report", "a", "--print-only"]] {
      let call = try program.call(command + ["--format", format])
      #expect(call.status == 0 && call.errors.isEmpty && call.isPlain, "\(call.errors)")
      let text = call.output
      switch format {
      case "json":
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(parsed?["tasks"] != nil && parsed?["selection"] as? String == "validation")
      case "csv": #expect(text.hasPrefix("task,") && text.contains("\r\n"))
      case "markdown": #expect(text.hasPrefix("# ") && text.contains("| ---: |"))
      default: #expect(text.hasPrefix("% ") && text.contains("\\toprule"))
      }
    }
    #expect(!program.contents.contains("a/summary.csv"))
  }

  @Test func selectionOnTheTestHasAFolderOfItsOwn() throws {
    let program = try program("a")
    #expect(try program.call("report", "a").status == 0)
    let honest = try program.read("a/summary.csv")
    #expect(program.contents.contains("a/report.tex"))
    let call = try program.call("report", "a", "--selection", "test-best")
    #expect(call.status == 0 && call.output.hasPrefix("SELECTED ON THE TEST SET"))
    #expect(try program.read("a/summary.csv") == honest)
    for file in ["summary.csv", "report.json", "report.md", "report.tex"] {
      #expect(try program.read("a/test-best/" + file).contains("test-best"), "\(file)")
    }
    try program.call("report", "a", "--selection", "test-best", "--compact", "c")
      .expectRefusal(64, "--compact")
    try program.call("report", "a", "--print-only", "--compact", "c").expectRefusal(64, "files")
  }

  @Test func whatCannotBeCompared() throws {
    let program = try program("a")
    try program.call("compare").expectRefusal(64, "store")
    try program.call("compare", "a", "none").expectRefusal(66, "none")
    try program.call("compare", ".").expectRefusal(66, "no records")
    try program.call("compare", "a", "a/").expectRefusal(64, "twice")
    try program.call("compare", "a", "--by", "store").expectRefusal(64, "two stores")
    try program.call("compare", "a", "--by", "colour").expectRefusal(64, "architecture")
    try program.call("compare", "a", "--metric", "accuracy").expectRefusal(64, "tokenAccuracy")
    try program.call("compare", "a", "--metric", "totalVariation")
      .expectRefusal(64, "totalVariation")
    try program.call("compare", "a", "--baseline", "lstm")
      .expectRefusal(64, "lstm", "delta-net unit")
  }
}
