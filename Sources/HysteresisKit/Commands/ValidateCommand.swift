import ArgumentParser
import Harness

/// Reads grids and runs nothing.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Check grids without running anything.",
    discussion: """
      Every key, type, range and combination is checked; the first fault of each file is printed \
      with its line and column, and what would be right. The exit status is that of the worst file: \
      65 for a wrong grid, 66 for a missing one.

      EXAMPLES:
        hysteresis validate tasks/quick.yaml
        hysteresis validate tasks/*.yaml --format json
      """)

  @Argument(help: "The grids' files.", completion: Completions.grids)
  var grids: [String]
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  /// What was found in a file.
  private struct Verdict: Encodable {
    let path: String
    var name: String?
    var cells: Int?
    var tasks: Int?
    var models: Int?
    /// What is wrong, with file, line and column.
    var error: String?
  }

  func run() throws {
    var worst = ExitStatus.success
    var verdicts: [Verdict] = []
    for path in grids {
      let (verdict, status) = Self.verdict(path)
      if format == .text { Self.print(verdict) }
      verdicts.append(verdict)
      worst = max(worst, status)
    }
    if format == .json { Console.json(verdicts) }
    if worst != ExitStatus.success { throw CommandFailure("", status: worst) }
  }

  private static func verdict(_ path: String) -> (Verdict, status: Int32) {
    do throws(GridError) {
      let plan = try Grid.read(path).plan(catalog: Hysteresis.registries.gridCatalog)
      let verdict = Verdict(
        path: path, name: plan.name, cells: plan.cells.count,
        tasks: Set(plan.cells.map(\.taskLabel)).count,
        models: Set(plan.cells.map(\.modelLabel)).count)
      return (verdict, ExitStatus.success)
    } catch {
      return (Verdict(path: path, error: error.description), error.status.rawValue)
    }
  }

  private static func print(_ verdict: Verdict) {
    if let error = verdict.error { return Console.error(error) }
    Console.output(
      "\(verdict.path): \(verdict.cells ?? 0) cells "
        + "(\(verdict.tasks ?? 0) task settings, \(verdict.models ?? 0) models)")
  }
}
