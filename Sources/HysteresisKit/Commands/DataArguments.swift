import ArgumentParser
import Configuration
import Harness
import TaskGenerators

/// A data set: a task with its settings, or a task of a grid.
struct DataArguments: ParsableArguments {
  /// A part of a data set.
  struct Segment {
    let task: any TaskGenerator
    /// The number of its examples; nil where only the command line says.
    let examples: Int?

    var hasPrompts: Bool { task.prompt(task.example(split: .train, seed: 0, index: 0)) != nil }
  }

  @Argument(help: "The task's name; see 'list tasks'. Not with --grid.")
  var task: String?
  @Option(name: .customLong("set"), help: "A setting of the task, as key=value; may be repeated.")
  var assignments: [String] = []
  @OptionGroup var ofGrid: GridTaskArguments
  @Option(help: "One segment of the grid's split, counted from 1; otherwise all.")
  var segment: Int?
  @Option(help: "Which stream of examples: train, validation or test.")
  var split: SplitName = .train
  @Option(help: "The seed of the data.")
  var seed: UInt64 = 0

  var grid: String? { ofGrid.grid }

  func validate() throws {
    try ofGrid.check(task: task, assignments: assignments)
    if grid == nil, segment != nil { throw ValidationError("--segment goes with --grid.") }
  }

  /// The segments that were chosen.
  func segments() throws -> [Segment] {
    guard let named = try ofGrid.named() else {
      let task = try Hysteresis.registries.task(self.task ?? "", assignments: assignments)
      return [Segment(task: task, examples: nil)]
    }
    let configuration = named.configuration
    let all =
      switch split {
      case .train: configuration.train
      case .validation: configuration.validation
      case .test: configuration.test
      }
    if let segment, !(1...all.count).contains(segment) {
      throw CommandFailure(
        "--segment \(segment): the split has segments 1 to \(all.count)", status: ExitStatus.usage)
    }
    return try (segment.map { [all[$0 - 1]] } ?? all).map {
      Segment(
        task: try Hysteresis.registries.tasks.make(configuration.name, settings: $0.settings),
        examples: $0.examples)
    }
  }

  func noPrompts(_ segment: Segment) -> CommandFailure {
    .noPrompts(type(of: segment.task).info.name)
  }
}

/// A task of a grid.
struct GridTaskArguments: ParsableArguments {
  @Option(help: "A grid, whose task is taken.", completion: .file(extensions: ["yaml", "yml"]))
  var grid: String?
  @Option(name: .customLong("task"), help: "Which of the grid's tasks, by its label in tables.")
  var label: String?

  /// Checks that the command line names one task.
  func check(task: String?, assignments: [String]) throws {
    guard grid != nil else {
      if label != nil { throw ValidationError("--task goes with --grid.") }
      if task == nil { throw ValidationError("Name a task, or a grid with --grid.") }
      return
    }
    if task != nil { throw ValidationError("Give a task's name or --grid, not both.") }
    if !assignments.isEmpty { throw ValidationError("--set goes with a task's name, not --grid.") }
  }

  /// The grid's task; nil without a grid.
  func named() throws -> Plan.NamedTask? {
    guard let grid else { return nil }
    return try Grid.read(grid).plan(catalog: Hysteresis.registries.gridCatalog)
      .task(labelled: label)
  }

  /// The grid's name; nil without a grid.
  func name() throws -> String? { try grid.map { try Grid.read($0).name } }
}
