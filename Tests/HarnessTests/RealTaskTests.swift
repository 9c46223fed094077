import Configuration
import Harness
import TaskGenerators
import Testing

/// The grid against the suite's own tasks.
@Suite struct RealTaskTests {
  private let catalog = GridCatalog(
    tasks: TaskRegistry(), mixers: ToyCatalog.mixers, checkModel: ToyCatalog.catalog.checkModel,
    cost: ToyCatalog.catalog.cost)

  private func plan(_ tasks: String) throws -> Plan {
    let text = """
      name: real
      baseline: {task: parity, model: {mixer: gru}}
      product:
        task: [\(tasks)]
      """
    return try Grid(text: text, file: "g.yaml").plan(catalog: catalog)
  }

  @Test func everyTaskIsPlannedByItsName() throws {
    let names = TaskRegistry().names
    let planned = try plan(names.joined(separator: ", "))
    #expect(planned.cells.map(\.taskLabel) == names)
    for (name, cell) in zip(names, planned.cells) {
      let segment = try #require(cell.configuration.task.test.first)
      #expect(
        try TaskRegistry().make(name, settings: segment.settings).settings.values
          == segment.settings)
    }
  }

  @Test func impossibleSettingsAreRefusedAtTheirPlace() {
    let error = #expect(throws: GridError.self) { try plan("{name: mqar, length: 32, pairs: 16}") }
    #expect(error?.description.hasPrefix("g.yaml:4:") == true)
    #expect(error?.status == .data)
  }
}
