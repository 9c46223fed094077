import ArgumentParser
import Harness
import Platform
import TaskGenerators

/// One example of a task.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Draw one example of a task.",
    discussion: """
      EXAMPLES:
        hysteresis show mqar --set pairs=4 --set length=64
        hysteresis show parity --set 'length={from: 8, to: 12}' --index 3
        hysteresis show mqar --seed 1 --index 0 --format json
      """)

  @Argument(help: "The task's name; see 'list tasks'.")
  var task: String
  @Option(name: .customLong("set"), help: "A setting of the task, as key=value; may be repeated.")
  var assignments: [String] = []
  @Option(help: "Which stream of examples: train, validation or test.")
  var split: SplitName = .train
  @Option(help: "The seed of the data.")
  var seed: UInt64 = 0
  @Option(help: "The number of the example in its stream.")
  var index: UInt64 = 0
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  func run() throws {
    let generator = try Hysteresis.registries.task(task, assignments: assignments)
    let example = generator.example(split: split.split, seed: seed, index: index)
    switch format {
    case .text: Console.output(generator.render(example, width: Terminal(.output).width))
    case .json: Console.output(generator.json(example))
    }
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
