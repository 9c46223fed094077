import ArgumentParser
import Harness
import TaskGenerators

/// A task with its settings, and a stream of its examples.
struct TaskArguments: ParsableArguments {
  @Argument(help: "The task's name; see 'list tasks'.", completion: Completions.tasks)
  var task: String
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "A setting of the task, as key=value; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []
  @Option(help: "Which stream of examples: train, validation or test.")
  var split: SplitName = .train
  @Option(help: "The seed of the data.")
  var seed: UInt64 = 0

  func generator() throws -> any TaskGenerator {
    try Hysteresis.registries.task(task, assignments: assignments)
  }

  /// The failure for a task that has no English text.
  var noPrompts: CommandFailure { .noPrompts(task) }
}

extension CommandFailure {
  /// The failure for a task that has no English text, with those that have one.
  static func noPrompts(_ task: String) -> CommandFailure {
    let tasks = Hysteresis.registries.tasks.all.compactMap { type -> String? in
      guard let task = try? type.make() else { return nil }
      let first = task.example(split: .train, seed: 0, index: 0)
      return task.prompt(first) == nil ? nil : type.info.name
    }
    let known = tasks.isEmpty ? "no task has" : "those that have: " + tasks.joined(separator: ", ")
    return CommandFailure("task '\(task)' has no English text; \(known)", status: ExitStatus.data)
  }
}

/// The splits as the command line knows them.
enum SplitName: String, ExpressibleByArgument, CaseIterable {
  case train, validation, test

  var split: Split {
    switch self {
    case .train: .train
    case .validation: .validation
    case .test: .test
    }
  }
}
