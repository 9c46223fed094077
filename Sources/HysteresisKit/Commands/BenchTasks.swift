import ArgumentParser
import Harness
import Platform

/// The making of examples.
struct BenchTasks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tasks", abstract: "How many tokens per second one core makes of each task.",
    discussion: """
      Each task with its defaults and, where a paper's settings are harder, with those. Measure on \
      a machine that does nothing else.

      EXAMPLES:
        hysteresis bench tasks
        hysteresis bench tasks --task mqar --seconds 2 --format json
      """)

  @Option(help: "A task; may be repeated; all otherwise.", completion: Completions.tasks)
  var task: [String] = []
  @Option(help: "Seconds for each row.")
  var seconds = 0.3
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  private struct Answer: Encodable {
    let processor: String
    let timings: [TaskTiming]
  }

  func run() throws {
    let tasks = Hysteresis.registries.tasks
    for name in task { _ = try tasks.type(named: name) }
    let rows = TaskBenchRow.all(of: tasks).filter { task.isEmpty || task.contains($0.task) }
    if format == .text {
      Console.output("\(Machine.processor), one core")
      Console.output(BenchText.taskHeading)
    }
    var timings: [TaskTiming] = []
    for row in rows {
      let timing = try TaskBench.measure(row, of: tasks, seconds: seconds)
      if format == .text { Console.output(BenchText.line(timing)) }
      timings.append(timing)
    }
    if format == .json { Console.json(Answer(processor: Machine.processor, timings: timings)) }
  }
}
