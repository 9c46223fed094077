import Configuration
import Harness
import Testing

@Suite struct OptionTests {
  private let grid = """
    name: options
    baseline:
      task: {name: mqar, test: [{length: 64}, {length: 128}]}
      model: {mixer: attention, width: 64}
    product:
      model.mixer: [attention, delta-net, [attention, delta-net]]
      model.width: [32, 64]
      seed: [0, 1]
    tune:
      training.learningRate: [1e-3, 1e-2]
    """

  @Test func overridesWinOverBaselineAndAxes() throws {
    let options = GridOptions(overrides: [
      "training.steps=500", "model.width=16", "training.learningRate=5e-4",
      "task.test=[{length: 32, examples: 7}]", "task.length=32", "training={warmup: 5, batch: 8}",
    ])
    let plan = try plan(grid, options)
    #expect(plan.cells.count == 3 * 2)
    #expect(plan.tunedPaths == [])
    for cell in plan.cells.map(\.configuration) {
      #expect((cell.training.steps, cell.training.warmup, cell.training.batch) == (500, 5, 8))
      #expect((cell.model.width, cell.training.learningRate) == (16, 5e-4))
      #expect(cell.task.test.map(\.examples) == [7])
      #expect(cell.task.train[0].settings["length"] == .integer(32))
    }
    #expect(plan.cells.map(\.modelLabel).runs == ["attention", "delta-net", "attention+delta-net"])
  }

  @Test func overridesTakeRangesAndNames() throws {
    let options = GridOptions(overrides: ["task=parity", "task.length={from: 5, to: 9}"])
    let task = try #require(try plan(grid, options).cells.first).configuration.task
    #expect(task.name == "parity")
    #expect(task.train[0].settings["length"] == .range(5...9))
  }

  @Test func matchAndWidthReplaceEachOther() throws {
    let matched = try plan(grid, GridOptions(overrides: ["model.match={parameters: 50000}"]))
    #expect(matched.cells.allSatisfy { $0.match == MatchTarget(.parameters, 50000) })
    #expect(matched.cells.count == 3 * 2 * 2)
    let given = try plan(GoodGrids.matched, GridOptions(overrides: ["model.width=48"]))
    #expect(given.cells.allSatisfy { $0.match == nil && $0.configuration.model.width == 48 })
  }

  @Test(arguments: [
    ("0..4", [0, 1, 2, 3, 4]), ("7", [7]), ("0,2,5", [0, 2, 5]), ("1..2,9", [1, 2, 9]),
  ])
  func seedsReplaceThoseOfTheGrid(_ text: String, _ seeds: [Int]) throws {
    let plan = try plan(grid, GridOptions(seeds: text))
    #expect(Array(plan.cells.map(\.configuration.seed).prefix(seeds.count)) == seeds)
    #expect(plan.cells.count == 3 * 2 * 2 * seeds.count)
  }

  @Test(arguments: [
    (["architecture=delta-net"], 16), (["architecture=attention+delta-net"], 8),
    (["model=*d=32"], 12), (["label=*d=32"], 12), (["seed=1"], 12), (["seed=0..5"], 24),
    (["task=mqar"], 24), (["architecture=attention,gru", "seed=0"], 8), (["label=*"], 24),
    (["architecture=delta*", "label=delta*"], 8), (["architecture=gru, attention", "seed=0"], 8),
  ])
  func onlySelectsCells(_ only: [String], _ count: Int) throws {
    let all = try plan(grid)
    let selected = try plan(grid, GridOptions(only: only))
    #expect(selected.cells.count == count)
    #expect(Set(selected.cells).isSubset(of: all.cells))
  }

  /// A label is a text for tables and may well have a comma.
  @Test func onlySelectsCellsWhoseNameHasAComma() throws {
    let grid = """
      name: commas
      baseline:
        task: parity
        model: {mixer: delta-net}
      product:
        model:
          - {label: delta}
          - {width: 32, label: "delta, small"}
          - {mixer: attention}
      """
    for (only, labels) in [
      ("model=delta, small", ["delta, small"]), ("label=delta, sm*", ["delta, small"]),
      ("model=delta,attention", ["delta", "attention"]),
      ("model=delta, attention", ["delta", "attention"]),
      ("model=delta,small", ["delta"]),
    ] {
      let selected = try plan(grid, GridOptions(only: [only]))
      #expect(selected.cells.map(\.modelLabel) == labels, "\(only)")
    }
  }
}
