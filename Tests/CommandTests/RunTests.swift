import Foundation
import Testing

/// A grid from the command line to its report.
@Suite struct RunTests {
  private static let reports = ["report.json", "report.md", "summary.csv", "grid.json"]

  private func program() throws -> Program {
    let program = try Program()
    try program.write(tinyGrid, to: "g.yaml")
    return program
  }

  private func records(_ program: Program, in folder: String) throws -> [String: String] {
    var records: [String: String] = [:]
    for path in program.contents where path.hasPrefix(folder + "/cells/") {
      records[String(path.dropFirst(folder.count))] = try program.read(path)
    }
    return records
  }

  @Test func aGridIsTrainedAndReported() throws {
    let program = try program()
    let call = try program.call("run", "g.yaml", "--jobs", "2")
    #expect(call.status == 0, "\(call.errors)")
    #expect(call.isPlain)
    #expect(call.output.contains("gru"))
    #expect(call.errors.contains("2 of 2 cells to train, 2 side by side"))
    #expect(call.errors.contains("[2/2]"))
    #expect(call.errors.contains("results/tiny"))
    for file in Self.reports { #expect(program.contents.contains("results/tiny/" + file)) }
    #expect(try records(program, in: "results/tiny").count == 2)

    // The same again trains nothing and says the same.
    let again = try program.call("run", "g.yaml", "--quiet")
    #expect(again.status == 0 && again.output == call.output && again.errors.isEmpty)

    // The records alone give the same report.
    let report = try program.read("results/tiny/report.json")
    let table = try program.call("report", "results/tiny")
    #expect(table.status == 0 && table.output == call.output)
    #expect(try program.read("results/tiny/report.json") == report)

    let other = try program.call("run", "g.yaml", "--out", "other", "--jobs", "1", "--quiet")
    #expect(other.status == 0)
    #expect(try records(program, in: "other") == records(program, in: "results/tiny"))
    #expect(try program.read("other/report.json") == report)
  }

  @Test func resultsComeAsJSON() throws {
    let program = try program()
    let call = try program.call("run", "g.yaml", "--quiet", "--format", "json", "--out", "s")
    #expect(call.status == 0 && call.errors.isEmpty)
    let parsed = try JSONSerialization.jsonObject(with: Data(call.output.utf8))
    #expect((parsed as? [String: Any])?.isEmpty == false)
  }

  @Test func aDryRunWritesNothing() throws {
    let program = try program()
    let call = try program.call("run", "g.yaml", "--dry-run")
    #expect(call.status == 0 && call.errors.isEmpty)
    #expect(call.output.contains("2 cells, 2 to do"))
    #expect(program.contents == ["g.yaml"])
    let limited = try program.call("run", "g.yaml", "--dry-run", "--limit", "1")
    #expect(limited.output.contains("  to do  ") && limited.output.contains("  later  "))
    #expect(limited.output.contains("2 cells, 1 to do"))
    struct Cells: Decodable {
      struct Cell: Decodable {
        let key: String
        let done: Bool
      }
      let cells: [Cell]
      let pending: Int
    }
    func cells() throws -> Cells {
      let call = try program.call("run", "g.yaml", "--dry-run", "--format", "json")
      return try JSONDecoder().decode(Cells.self, from: Data(call.output.utf8))
    }
    #expect(try cells().pending == 2)
    #expect(try program.call("run", "g.yaml", "--quiet", "--limit", "1").status == 0)
    let found = try cells()
    #expect(found.pending == 1 && found.cells.map(\.done) == [true, false])
    let keys = Set(try records(program, in: "results/tiny").keys)
    #expect(keys == ["/cells/\(found.cells[0].key).json"])
  }

  @Test func optionsChooseTheCells() throws {
    let program = try program()
    let call = try program.call(
      "run", "g.yaml", "--dry-run", "--seeds", "0..4", "--only", "seed=3", "--set",
      "training.steps=7")
    #expect(call.status == 0, "\(call.errors)")
    #expect(call.output.contains("1 cells, 1 to do"))
    #expect(call.output.contains("seed 3"))
    try program.call("run", "g.yaml", "--set", "training.stesp=7")
      .expectRefusal(65, "--set", "did you mean 'training.steps'?")
    try program.call("run", "g.yaml", "--only", "colour=red").expectRefusal(64, "colour")
    try program.call("run", "g.yaml", "--only", "architecture=none").expectRefusal(65, "gru")
    #expect(program.contents == ["g.yaml"])
  }

  @Test func coloursAreForTerminalsOnly() throws {
    let program = try program()
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "xterm-256color"), ("CI", "1")] {
      program.environment = [name: value]
      let call = try program.call("run", "g.yaml", "--out", name)
      #expect(call.status == 0 && call.isPlain, "\(name)")
    }
    program.environment = ["NO_COLOR": "1", "FORCE_COLOR": "1"]
    #expect(try program.call("report", "NO_COLOR").isPlain)
  }
}
