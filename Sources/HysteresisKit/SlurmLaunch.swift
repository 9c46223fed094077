import Harness
import Platform
import Records

/// `run --launcher slurm`: the script of a job array, written into the store and submitted.
struct SlurmLaunch {
  /// What `run` prints of a submitted job.
  struct Answer: Encodable {
    let job: String
    let workers: Int
    /// Cells to train.
    let pending: Int
    let script: String
    let folder: String
  }

  let script: SlurmScript
  let request: SlurmRequest
  private let store: String
  private let pending: Int
  /// The grid as it is now: what workers read must not change under them.
  private let grid: (path: String, bytes: [UInt8])

  /// Writes the script, into memory only.
  ///
  /// - Parameters:
  ///   - command: What was asked for.
  ///   - workload: Its plan, and the cells that are missing.
  ///   - folder: The store.
  /// - Throws: `CommandFailure` for what cannot be launched.
  init(_ command: RunCommand, _ workload: Workload, folder: String) throws {
    let jobs = command.launch.jobs(command.jobs)
    let store = Files.absolute(folder)
    let logs = store + "/slurm"
    let bytes: [UInt8]
    do {
      bytes = try Files.read(command.grid.grid)
    } catch {
      throw CommandFailure(error.description, status: ExitStatus.noInput)
    }
    let name = workload.plan.name
    let grid = "\(logs)/\(name)-\(contentHash(bytes).prefix(8)).yaml"
    let request = command.launch.request(cells: workload.pending.count, jobs: jobs)
    do throws(LaunchError) {
      script = try SlurmScript(
        name: name, request: request, logs: logs, folder: Files.absolute("."),
        command: [
          Machine.executablePath, "run", grid, "--out=\(store)", "--quiet", "--jobs=\(jobs)",
        ]
          + command.workerArguments)
    } catch {
      throw CommandFailure(launch: error)
    }
    self.request = request
    self.store = store
    self.grid = (grid, bytes)
    pending = workload.pending.count
  }

  /// Puts the script into the store and hands it to Slurm.
  ///
  /// - Returns: The job.
  /// - Throws: `CommandFailure` where the store cannot be written or Slurm refuses.
  func submit() throws -> Answer {
    let path = store + "/slurm/job.sh"
    do {
      try Files.makeFolder(store + "/slurm")
      try AtomicFile.write(grid.bytes, to: grid.path)
      try AtomicFile.write(Array(script.text.utf8), to: path)
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.cannotCreate)
    }
    do throws(LaunchError) {
      return Answer(
        job: try Slurm.submit(path), workers: request.workers, pending: pending, script: path,
        folder: store)
    } catch {
      throw CommandFailure(launch: error)
    }
  }
}

extension CommandFailure {
  init(launch error: LaunchError) {
    self.init(
      error.description,
      status: error.kind == .usage ? ExitStatus.usage : ExitStatus.unavailable)
  }
}
