import Harness
import Records

/// What `run --dry-run` prints.
struct DryRun: Encodable {
  struct Cell: Encodable {
    let key: String
    let task: String
    let model: String
    let seed: Int
    let done: Bool
    /// Whether it is to be trained by this very command; `--limit` leaves others for later.
    let included: Bool
    /// Estimates, of cells that are to be trained.
    let operations: Double?
    let seconds: Double?
    let memoryBytes: Int?
  }

  /// What all cells take that are to be trained, without early stops.
  struct Estimate: Encodable {
    let operations: Double
    let seconds: Double?
    let memoryBytes: Int
    let basis: String
  }

  let grid: String
  let folder: String
  let jobs: Int
  let cells: [Cell]
  let pending: Int
  let estimate: Estimate?

  /// Describes what a command would do.
  ///
  /// - Parameters:
  ///   - workload: What it would train.
  ///   - missing: All cells that have no result, whether it would train them or not.
  ///   - estimate: What that takes.
  ///   - folder: The store.
  ///   - jobs: Cells side by side.
  init(
    _ workload: Workload, missing: Set<Int>, _ estimate: GridEstimate, folder: String, jobs: Int
  ) {
    grid = workload.plan.name
    self.folder = folder
    self.jobs = jobs
    let waiting = Set(workload.pending)
    cells = workload.keys.indices.map { index in
      let cell = workload.plan.cells[index]
      let estimate = estimate.cells[index]
      return Cell(
        key: workload.keys[index], task: cell.taskLabel, model: cell.modelLabel,
        seed: cell.configuration.seed, done: !missing.contains(index),
        included: waiting.contains(index),
        operations: estimate?.cost.operations.rounded(), seconds: estimate?.seconds,
        memoryBytes: estimate?.cost.memoryBytes)
    }
    pending = workload.pending.count
    self.estimate =
      workload.pending.isEmpty
      ? nil
      : Estimate(
        operations: estimate.operations.rounded(), seconds: estimate.seconds,
        memoryBytes: estimate.memoryBytes, basis: estimate.basis)
  }

  func print(_ format: OutputFormat) {
    if format == .json { return Console.json(self) }
    for cell in cells { Console.output(Self.line(cell)) }
    Console.output(
      "\(cells.count) cells, \(pending) to do, \(jobs) side by side, into \(folder)")
    if let estimate { for line in Self.lines(estimate) { Console.output(line) } }
  }

  private static func line(_ cell: Cell) -> String {
    let status = cell.done ? "done " : cell.included ? "to do" : "later"
    var line =
      "\(cell.key)  \(status)  \(cell.task) · \(cell.model) · "
      + "seed \(cell.seed)"
    let costs = [
      cell.seconds.map { "about \(ProgressText.clock($0))" },
      cell.operations.map { Magnitude.text($0) + "FLOP" },
      cell.memoryBytes.map(Magnitude.bytes),
    ].compactMap { $0 }
    if !costs.isEmpty { line += "  (" + costs.joined(separator: ", ") + ")" }
    return line
  }

  private static func lines(_ estimate: Estimate) -> [String] {
    let time = estimate.seconds.map { "about \(ProgressText.clock($0))" } ?? "an unknown time"
    return [
      "estimate: \(time), from \(estimate.basis), without early stops",
      "estimate: \(Magnitude.text(estimate.operations))FLOP, counted; "
        + "\(Magnitude.bytes(estimate.memoryBytes)) of memory for the cells side by side",
    ]
  }
}
