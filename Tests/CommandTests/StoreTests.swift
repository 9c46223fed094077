import Foundation
import Testing

/// What `run` says of stores that something is wrong with.
@Suite struct StoreTests {
  private func program(_ grid: String = tinyGrid) throws -> Program {
    let program = try Program()
    try program.write(grid, to: "g.yaml")
    return program
  }

  private func write(_ bytes: Data, _ program: Program, _ path: String) throws {
    let file = program.folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: file)
  }

  private func records(_ program: Program) throws -> [String] {
    try program.contents.filter { $0.hasPrefix("s/cells/") }.sorted().map(program.read)
  }

  @Test func optionsThatCannotBeAreRefused() throws {
    let program = try program()
    try program.call("run", "g.yaml", "--maxfail", "0").expectRefusal(64, "--maxfail")
    for seconds in ["-1", "nan", "inf"] {
      try program.call("run", "g.yaml", "--checkpoint-every=\(seconds)")
        .expectRefusal(64, "--checkpoint-every", "seconds")
    }
  }

  @Test func aDamagedRecordIsSetAsideAndMadeAgain() throws {
    let program = try program()
    #expect(try program.call("run", "g.yaml", "--out", "s", "--quiet").status == 0)
    let whole = try records(program)
    let path = try #require(program.contents.first { $0.hasPrefix("s/cells/") })
    try write(Data(try program.read(path).utf8.dropLast(9)), program, path)
    let call = try program.call("run", "g.yaml", "--out", "s")
    #expect(call.status == 0)
    #expect(call.errors.contains("damaged") && call.errors.contains("was trained again"))
    #expect(try records(program) == whole)
    #expect(program.contents.contains(path.replacing("cells", with: "damaged")))
  }

  /// A closed stream's number goes to the next file that is opened, and then what is printed.
  @Test func closedStreamsDoNotSpoilTheStore() throws {
    let program = try program()
    let run = ["run", "g.yaml", "--seeds", "0..39", "--jobs", "2", "--out"]
    #expect(try program.call(run + ["whole", "--quiet"]).status == 0)
    let process = Foundation.Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", try Program.executable.path] + run + ["s"]
    process.currentDirectoryURL = program.folder
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let found = try records(program)
    #expect(found.count == 40)
    let paths = program.contents.filter { $0.hasPrefix("whole/cells/") }.sorted()
    #expect(try found == paths.map(program.read))
    #expect(!program.contents.contains { $0.contains("/claims") || $0.contains("/damaged") })
  }

  @Test func newerRecordsAreRefused() throws {
    let program = try program()
    let dry = try program.call("run", "g.yaml", "--out", "s", "--dry-run")
    let key = try #require(dry.output.split(separator: " ").first)
    try write(Data(#"{"schema": 2}"#.utf8), program, "s/cells/\(key).json")
    let before = program.contents
    try program.call("run", "g.yaml", "--out", "s")
      .expectRefusal(65, "\(key).json", "schema 2", "newer version", "another store")
    #expect(program.contents == before)
  }

  /// Texts of a grid stand in records and tables, and nowhere else.
  @Test func hostileNamesStayTexts() throws {
    let hostile = [
      "../../escaped", "a/b", "..", "$(touch pwned)", "`touch pwned`", "<b>&", "a\\nb",
    ]
    let models = hostile.enumerated().map { number, name in
      "    - {mixer: gru, width: \(8 + number), label: '\(name)'}"
    }.joined(separator: "\n")
    let program = try program(
      tinyGrid.replacing("seed: [0, 1]", with: "model:\n\(models)"))
    let call = try program.call("run", "g.yaml", "--out", "s", "--quiet")
    #expect(call.status == 0, "\(call.errors)")
    #expect(try records(program).count == hostile.count)
    let folders = ["s", "s/cells", "s/timings", "g.yaml"]
    for path in program.contents where !folders.contains(path) {
      #expect(path.hasPrefix("s/") && path.split(separator: "/").count <= 3, "\(path)")
      #expect(!path.contains("pwned") && !path.contains(".."))
    }
    let outside = program.folder.deletingLastPathComponent()
    #expect(!FileManager.default.fileExists(atPath: outside.path + "/escaped"))
    for name in ["../x", "a/b", "a b", "", "x\\0y", "-rf"] {
      let grid = tinyGrid.replacing("name: tiny", with: "name: \"\(name)\"")
      try program.write(grid, to: "h.yaml")
      try program.call("run", "h.yaml").expectRefusal(65, "h.yaml:1")
    }
  }
}
