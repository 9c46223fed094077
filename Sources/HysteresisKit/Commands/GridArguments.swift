import ArgumentParser
import Harness

/// A grid and what the command line changes in it.
struct GridArguments: ParsableArguments {
  @Argument(help: "The grid's file.", completion: Completions.grids)
  var grid: String
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Fix a setting, as path=value (training.steps=500); may be repeated.",
      valueName: "path=value"))
  var overrides: [String] = []
  @Option(help: "Seeds instead of the grid's: 0..4, 7 or 0,2,5.")
  var seeds: String?
  @Option(
    help: ArgumentHelp(
      """
      Only the cells that match, as key=pattern (architecture=delta-net) or with several \
      (model=lstm,gru); may be repeated. Keys are task, architecture, model, seed and label; a * in \
      the pattern stands for anything.
      """, valueName: "key=pattern"))
  var only: [String] = []

  var options: GridOptions { GridOptions(overrides: overrides, seeds: seeds, only: only) }

  /// Reads and checks the grid.
  func plan() throws -> Plan {
    try Grid.read(grid).plan(catalog: Hysteresis.registries.gridCatalog, options: options)
  }

  /// The plan without the choice of cells, for the store's table of contents.
  func wholePlan() throws -> Plan {
    let options = GridOptions(overrides: overrides, seeds: seeds)
    return try Grid.read(grid).plan(catalog: Hysteresis.registries.gridCatalog, options: options)
  }
}
