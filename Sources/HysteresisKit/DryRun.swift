import Harness

/// What `run --dry-run` prints.
struct DryRun: Encodable {
  struct Cell: Encodable {
    let key: String
    let task: String
    let model: String
    let seed: Int
    let done: Bool
  }

  let grid: String
  let folder: String
  let jobs: Int
  let cells: [Cell]
  let pending: Int

  init(_ workload: Workload, folder: String, jobs: Int) {
    grid = workload.plan.name
    self.folder = folder
    self.jobs = jobs
    let waiting = Set(workload.pending)
    cells = workload.keys.indices.map { index in
      let cell = workload.plan.cells[index]
      return Cell(
        key: workload.keys[index], task: cell.taskLabel, model: cell.modelLabel,
        seed: cell.configuration.seed, done: !waiting.contains(index))
    }
    pending = workload.pending.count
  }

  func print(_ format: OutputFormat) {
    if format == .json { return Console.json(self) }
    for cell in cells {
      Console.output(
        "\(cell.key)  \(cell.done ? "done" : "to do")  \(cell.task) · \(cell.model) · "
          + "seed \(cell.seed)")
    }
    Console.output(
      "\(cells.count) cells, \(pending) to do, \(jobs) side by side, into \(folder)")
  }
}
