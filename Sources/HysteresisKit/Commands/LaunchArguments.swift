import ArgumentParser
import Harness

/// Where the cells of a grid are trained.
enum Launcher: String, ExpressibleByArgument, CaseIterable { case local, slurm }

/// Who trains the cells: this process, or workers that a scheduler starts.
struct LaunchArguments: ParsableArguments {
  @Option(help: "Who trains: local, this process, or slurm, the tasks of a job array.")
  var launcher: Launcher = .local
  @Flag(
    help: """
      Follow a store that others fill until the grid is complete, and print the table; trains \
      nothing here.
      """)
  var watch = false
  @Option(
    help: ArgumentHelp(
      "Slurm: the workers, each a task of the array; 8 otherwise.", valueName: "n"))
  var workers: Int?
  @Option(help: ArgumentHelp("Slurm: the partition.", valueName: "name"))
  var partition: String?
  @Option(help: ArgumentHelp("Slurm: the GPUs of each worker.", valueName: "n"))
  var gpus: Int?
  @Option(
    help: ArgumentHelp(
      "Slurm: each worker's time limit, such as 2:00:00; workers save a minute before it.",
      valueName: "limit"))
  var time: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Slurm: a further option of sbatch, such as account=x; may be repeated.",
      valueName: "name=value"))
  var slurmOption: [String] = []

  private static let usualWorkers = 8

  func validate() throws {
    if let workers, workers < 1 { throw ValidationError("--workers must be at least 1.") }
    if let gpus, gpus < 1 { throw ValidationError("--gpus must be at least 1.") }
    guard launcher == .local else { return }
    let given = [
      ("--workers", workers != nil), ("--partition", partition != nil), ("--gpus", gpus != nil),
      ("--time", time != nil), ("--slurm-option", !slurmOption.isEmpty),
    ]
    if let first = given.first(where: \.1) {
      throw ValidationError("\(first.0) is for --launcher slurm.")
    }
  }

  /// What the job array asks for.
  ///
  /// - Parameters:
  ///   - cells: How many there are to train.
  ///   - jobs: Cells side by side in each worker.
  /// - Returns: A request for no more workers than there is work for.
  func request(cells: Int, jobs: Int) -> SlurmRequest {
    SlurmRequest(
      workers: max(1, min(workers ?? Self.usualWorkers, (cells + jobs - 1) / jobs)), cores: jobs,
      partition: partition, gpus: gpus, time: time, options: slurmOption)
  }

  /// Cells side by side in each worker: small models leave a GPU idle between their kernels.
  func jobs(_ wanted: Int?) -> Int { wanted ?? gpus.map { 4 * $0 } ?? 1 }
}
