import ArgumentParser
import Harness
import Platform
import Records
import Reports

/// Trains and evaluates the cells of a grid.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Train and evaluate the cells of a grid.",
    discussion: """
      Cells whose result is in the store already are skipped, so an interrupted run goes on where \
      it stopped. Prints the table of results at the end and writes it, with plots, into the store.

      A dry run lists the cells with their keys and estimates: operations are counted (a \
      multiplication and an addition are two), memory is laid out, and time comes from cells of the \
      store that are finished or else from a few training steps on this machine.

      Any number of processes, on any number of machines that share the store's folder, may run the \
      same grid at once: each cell is trained by one of them, and the cells of one that dies are \
      taken over. Ctrl-C or SIGTERM finishes the step, saves the cells that are being trained and \
      ends; they go on from there with the same bits as if nothing had happened. After a kill they \
      go on from their last checkpoint.

      Exit status: 0 all cells finished, 1 some failed, 65 the grid or a record is wrong, 74 the \
      store cannot be written any more, 75 other processes still train some (--no-wait), 130 \
      interrupted, 143 terminated.

      EXAMPLES:
        hysteresis run tasks/quick.yaml
        hysteresis run tasks/standard.yaml --jobs 2 --only 'architecture=delta-net'
        hysteresis run tasks/standard.yaml --set training.steps=100 --dry-run
        hysteresis run tasks/standard.yaml --launcher slurm --workers 16 --gpus 1 \\
          --partition gpu --time 2:00:00 --slurm-option account=x --watch
        hysteresis run tasks/standard.yaml --watch
      """)

  @OptionGroup var grid: GridArguments
  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: "The store's folder; results/NAME otherwise.", completion: .directory)
  var store: String?
  @Option(
    name: .shortAndLong,
    help: """
      Cells side by side; otherwise one for each core, or up to eight for each GPU. With Slurm, of \
      each worker: otherwise one, or four for each of its GPUs.
      """)
  var jobs: Int?
  @Option(help: "Train at most this many cells.")
  var limit: Int?
  @Flag(help: "Print what would be done, and do nothing.")
  var dryRun = false
  @Flag(help: "Train failed cells again.")
  var retryFailed = false
  @Flag(
    help: """
      Also keep the trained models, as STORE/models/KEY.safetensors; finished cells without one \
      are trained again.
      """)
  var checkpoints = false
  @Option(
    help: ArgumentHelp(
      "Start no more cells once this many have failed.", valueName: "n"))
  var maxfail: Int?
  @Option(
    help: ArgumentHelp(
      "Seconds of training between two checkpoints of a cell; 0 for none but when interrupted.",
      valueName: "seconds"))
  var checkpointEvery = 30.0
  @Flag(help: "Do not wait for cells that other processes train.")
  var noWait = false
  @OptionGroup var device: DeviceArguments
  @OptionGroup(title: "Other workers") var launch: LaunchArguments
  @Option(help: "How to print the results: text or json.")
  var format: OutputFormat = .text
  @Flag(name: .shortAndLong, help: "No progress.")
  var quiet = false

  func validate() throws {
    // An empty folder's files would be those of the file system's root.
    if let store, store.isEmpty { throw ValidationError("--out is empty.") }
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    if let maxfail, maxfail < 1 { throw ValidationError("--maxfail must be at least 1.") }
    guard checkpointEvery >= 0, checkpointEvery.isFinite else {
      throw ValidationError("--checkpoint-every must be a number of seconds, or 0.")
    }
    if limit != nil, launch.launcher == .slurm {
      throw ValidationError("--limit would hold for each worker alone; choose cells with --only.")
    }
    guard launch.watch else { return }
    if dryRun { throw ValidationError("--dry-run leaves nothing to --watch.") }
    if launch.launcher == .local, limit != nil || jobs != nil {
      throw ValidationError("--watch trains nothing here, so --limit and --jobs say nothing.")
    }
  }

  var options: RunOptions {
    var options = RunOptions()
    options.checkpointEvery = checkpointEvery
    options.mostFailures = maxfail
    options.waits = !noWait
    options.keepsModels = checkpoints
    return options
  }

  func run() throws {
    let plan = try grid.plan()
    let folder = store ?? "results/\(plan.name)"
    let runStore = RunStore(folder)
    switch launch.launcher {
    case .local where launch.watch: try follow(plan, in: runStore)
    case .local: try train(plan, in: runStore)
    case .slurm: try submit(plan, to: runStore)
    }
  }

  private func train(_ plan: Plan, in store: RunStore) throws {
    let devices = try device.open()
    let jobs = self.jobs ?? devices.suitableJobs
    let runner = GridRunner(
      Hysteresis.registries, store: store, jobs: jobs, devices: devices, options: options)
    var workload = try runner.workload(plan, retryFailed: retryFailed)
    let missing = Set(workload.pending)
    if let limit { workload = workload.limited(to: limit) }
    if dryRun {
      let estimate = GridEstimate(
        workload, Hysteresis.registries, store: store, devices: devices, jobs: jobs)
      return DryRun(
        workload, missing: missing, estimate, folder: store.folder, jobs: jobs
      ).print(format)
    }

    if workload.withoutModel > 0, !quiet {
      Console.talk(
        "\(workload.withoutModel) finished cells have no model file and are trained again")
    }
    try prepare(store, runner)
    Interrupts.install()
    let board = ProgressBoard(workload, jobs: jobs, quiet: quiet)
    let outcome = runner.run(workload) { board.note($0) }
    board.close()
    try endEarly(outcome)
    try printResults(of: store)
    try end(outcome, workload, folder: store.folder)
  }

  /// Makes the store with the whole grid's table of contents before anything is trained, so that
  /// a folder that cannot be written is found at once.
  func prepare(_ store: RunStore, _ runner: GridRunner) throws {
    do {
      let whole = try runner.workload(try grid.wholePlan(), retryFailed: false)
      try store.writeGrid(runner.manifest(whole))
    } catch let error as StoreError {
      let isNew = error.kind == .system && !Files.exists(store.folder + "/grid.json")
      throw CommandFailure(
        error.description, status: isNew ? ExitStatus.cannotCreate : ExitStatus.of(error))
    }
  }

  func printResults(of store: RunStore) throws {
    guard !(try store.readAll().records.isEmpty) else { return }
    let report = try ReportFiles.write(of: store, to: store.folder)
    switch format {
    case .text:
      let terminal = Terminal(.output)
      Console.output(report.terminalTable(width: terminal.width, colour: terminal.usesColour))
    case .json: Console.json(report)
    }
  }

  /// Says how to go on where the run did not come to its end.
  private func endEarly(_ outcome: GridOutcome) throws {
    if outcome.interrupted {
      let are = outcome.saved == 1 ? "is" : "are"
      let saved =
        outcome.saved > 0 ? "\(Self.cells(outcome.saved)) \(are) saved unfinished; " : ""
      throw CommandFailure(
        "interrupted; \(saved)the same command goes on from there", status: Interrupts.exitStatus)
    }
    if let problem = outcome.storeProblem {
      throw CommandFailure(
        "\(problem); what is finished is safe, and the same command goes on from there",
        status: ExitStatus.of(problem))
    }
  }

  func end(_ outcome: GridOutcome, _ workload: Workload, folder: String) throws {
    if !quiet { Console.talk("results, tables and plots are in \(folder)") }
    if !outcome.brokenDevices.isEmpty {
      let rest = outcome.unstarted > 0 ? "; the same command goes on with the rest" : ""
      throw CommandFailure(
        "\(outcome.brokenDevices.joined(separator: "; ")): \(Self.cells(outcome.failed)) failed, "
          + "\(outcome.unstarted) were not finished\(rest)",
        status: ExitStatus.failure)
    }
    if outcome.failed > 0 {
      let unstarted = outcome.unstarted > 0 ? ", \(outcome.unstarted) were not started" : ""
      throw CommandFailure(
        "\(Self.cells(outcome.failed)) failed\(unstarted); their records in \(folder)/cells say why",
        status: ExitStatus.failure)
    }
    if outcome.held > 0 {
      throw CommandFailure(
        "other processes still train \(Self.cells(outcome.held))", status: ExitStatus.temporary)
    }
    if workload.failedBefore > 0 {
      throw CommandFailure(
        "\(Self.cells(workload.failedBefore)) failed before; --retry-failed tries again",
        status: ExitStatus.failure)
    }
  }

  private static func cells(_ count: Int) -> String { count == 1 ? "1 cell" : "\(count) cells" }
}

/// The `--cpu` option.
enum CPULevel {
  /// Checks that the machine has a level; nil stands for its best.
  static func check(_ level: String?) throws {
    guard let level, !ComputeDevices.cpuLevels.contains(level) else { return }
    throw CommandFailure(
      "this machine has no CPU level '\(level)'; it has: "
        + ComputeDevices.cpuLevels.joined(separator: ", "), status: ExitStatus.unavailable)
  }
}
