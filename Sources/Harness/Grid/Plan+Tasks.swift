public import Configuration

extension Plan {
  /// A task of the grid, with the name that tables give it.
  public struct NamedTask: Sendable, Hashable {
    public let label: String
    public let configuration: TaskConfiguration
  }

  /// The tasks, in the order of the grid.
  public var tasks: [NamedTask] {
    var tasks: [NamedTask] = []
    var known: Set<String> = []
    for cell in cells where known.insert(cell.taskLabel).inserted {
      tasks.append(NamedTask(label: cell.taskLabel, configuration: cell.configuration.task))
    }
    return tasks
  }

  /// The task of a label, or the only one.
  ///
  /// - Throws: `GridError` where there is no such task, or there are several to choose from.
  public func task(labelled label: String?) throws(GridError) -> NamedTask {
    let tasks = tasks
    let names = tasks.map { "'\($0.label)'" }.joined(separator: ", ")
    guard let label else {
      if tasks.count == 1 { return tasks[0] }
      throw GridError(
        SourcePosition("--task"), "grid '\(name)' has \(tasks.count) tasks",
        help: "choose one of them: \(names)", status: .usage)
    }
    if let task = tasks.first(where: { $0.label == label }) { return task }
    let nearest = nearestName(to: label, among: tasks.map(\.label)).map { "did you mean '\($0)'? " }
    throw GridError(
      SourcePosition("--task"), "grid '\(name)' has no task '\(label.shortened)'",
      help: (nearest ?? "") + "it has: \(names)", status: .data)
  }
}
