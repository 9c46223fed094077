import Foundation
import Testing

/// What people see while a grid runs.
@Suite struct ProgressTests {
  private static let grid = """
    name: watched
    baseline:
      task:
        {name: mqar, length: 16, pairs: 2, vocabulary: 32, test: {examples: 8}, \
    validation: {examples: 8}}
      model: {width: 8, layers: 1}
      training: {steps: 1500, batch: 8, evaluateEvery: 100}
    product:
      model: [{mixer: lstm, label: a model with a rather long name in the table}, {mixer: gru}]

    """

  private func lines(columns: UInt16, _ environment: [String: String] = [:]) throws -> [String] {
    let program = try Program()
    program.environment = environment
    try program.write(Self.grid, to: "g.yaml")
    let call = try PseudoTerminal.call(
      program, "run", "g.yaml", "--jobs", "2", "--device", "cpu", columns: columns,
      withErrors: true)
    #expect(call.status == 0, "\(call.output)")
    return call.output.split(separator: "\n").map(String.init)
  }

  /// Without what steers the terminal.
  private func plain(_ line: String) -> String { line.replacing(/\u{1B}\[[0-9]*[A-Z]/, with: "") }

  @Test func everyCellHasALineWithItsOwnMetric() throws {
    let lines = try lines(columns: 120, ["NO_COLOR": "1"])
    let cells = lines.map(plain).filter { $0.contains("/1500") && $0.hasPrefix("  ") }
    #expect(cells.contains { $0.contains("example accuracy 0.") && $0.contains("tokens/s") })
    #expect(cells.contains { $0.contains("loss ") && $0.contains("left") })
    #expect(cells.allSatisfy { $0.count < 120 })
    let totals = lines.map(plain).filter { $0.contains("/2 cells") && !$0.contains("train") }
    #expect(totals.contains { $0.hasPrefix("  0/2 cells  0:0") })
    // Lines are redrawn in place; colours are off.
    #expect(lines.contains { $0.contains("\u{1B}[2K") })
    #expect(!lines.contains { $0.contains("\u{1B}[1m") })
    #expect(lines.contains { plain($0).hasPrefix("[2/2] ") })
    // At the end nothing of them is left on the screen: the table follows.
    #expect(lines.last.map(plain)?.contains("results, tables and plots are in") == true)
  }

  /// On a narrow terminal the least important columns go, and titles lose their middle.
  @Test func narrowTerminalsGetNarrowLines() throws {
    let lines = try lines(columns: 44).map(plain)
    let cells = lines.filter { $0.contains("/1500") && $0.hasPrefix("  ") }
    #expect(!cells.isEmpty && cells.allSatisfy { $0.count < 44 })
    #expect(cells.contains { $0.contains("…") })
  }

  @Test func dumbTerminalsGetPlainLines() throws {
    for variable in [["TERM": "dumb"], ["CI": "true"]] {
      let lines = try lines(columns: 80, variable.merging(["NO_COLOR": "1"]) { $1 })
      #expect(lines.allSatisfy { !$0.contains("\u{1B}") })
      #expect(lines.contains { $0.hasPrefix("[1/2] ") && $0.contains("1500 steps") })
    }
  }
}
