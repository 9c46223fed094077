import ArgumentParser
import Harness

/// Reads grids and runs nothing.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Check grids without running anything.",
    discussion: """
      Every key, type, range and combination is checked; the first fault of each file is printed \
      with its line and column, and what would be right.

      EXAMPLES:
        hysteresis validate tasks/quick.yaml
        hysteresis validate tasks/*.yaml
      """)

  @Argument(help: "The grids' files.", completion: .file(extensions: ["yaml", "yml"]))
  var grids: [String]

  func run() throws {
    var worst = ExitStatus.success
    for path in grids {
      do throws(GridError) {
        let plan = try Grid.read(path).plan(catalog: Hysteresis.registries.gridCatalog)
        let tasks = Set(plan.cells.map(\.taskLabel)).count
        let models = Set(plan.cells.map(\.modelLabel)).count
        Console.output(
          "\(path): \(plan.cells.count) cells (\(tasks) task settings, \(models) models)")
      } catch {
        Console.error(error.description)
        worst = max(worst, error.status.rawValue)
      }
    }
    if worst != ExitStatus.success { throw CommandFailure("", status: worst) }
  }
}
