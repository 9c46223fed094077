import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct TaskRegistryTests {
  @Test func catalogueIsKnownByName() throws {
    for type in TaskCatalog.all {
      #expect(try TaskRegistry().type(named: type.info.name) == type)
    }
    #expect(TaskRegistry().names == TaskCatalog.all.map { $0.info.name })
  }

  @Test func misspeltNamesGetASuggestion() {
    let error = #expect(throws: SettingError.self) { try TaskRegistry().make("mqra") }
    #expect(error?.setting == "task")
    #expect(error?.problem == "unknown task 'mqra'")
    #expect(error?.help.hasPrefix("did you mean 'mqar'? the tasks are: mqar, ") == true)
    let far = #expect(throws: SettingError.self) { try TaskRegistry().make("translation") }
    #expect(far?.help.hasPrefix("the tasks are: ") == true)
  }

  @Test func misspeltSettingsGetASuggestion() {
    let error = #expect(throws: SettingError.self) {
      try TaskRegistry().make("mqar", settings: ["pair": .integer(4)])
    }
    #expect(error?.setting == "pair")
    #expect(error?.help.hasPrefix("did you mean 'pairs'? task mqar knows: ") == true)
  }

  @Test func outsideTasksAreAdded() throws {
    let registry = TaskRegistry().adding(Constant.self)
    #expect(registry.names == TaskRegistry().names + ["constant"])
    let task = try registry.make("constant")
    let example = task.example(split: .test, seed: 0, index: 0)
    #expect(task.solve(example.tokens) == example.targets)
    #expect(throws: SettingError.self) { try TaskRegistry().make("constant") }
  }

  @Test func equalNamesStopTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = TaskRegistry().adding(Parity.self) }
  }
}

/// The smallest task that an outside package could add.
private struct Constant: TaskGenerator {
  static let info = TaskInfo(
    name: "constant", summary: "always 1", picture: "1", paper: "none", version: 1, settings: [],
    slices: ["none"], metric: .tokenAccuracy)

  let settings: SettingValues
  var vocabulary: Int { 2 }
  var maximumLength: Int { 1 }
  var maximumTargets: Int { 1 }
  var chance: Double { 1 }

  init(settings: SettingValues) throws(SettingError) { self.settings = settings }

  func write(using random: inout RandomSource, into example: inout Example) {
    example.reset(length: 1)
    example.slices.append(0)
    example.targets.append(Target(position: 0, token: 1))
  }

  func solve(_ tokens: [Int32]) -> [Target] { [Target(position: 0, token: 1)] }

  func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] { solve(tokens) }

  func describe(_ example: Example) -> [String] { ["a \"thing\""] }
}
