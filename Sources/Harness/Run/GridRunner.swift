import Configuration
import Platform
public import Records
package import Training

/// What happens while a grid runs; called from several threads.
package enum GridEvent: Sendable {
  case started(cell: Int, PlannedCell)
  case progress(cell: Int, TrainingEvent)
  case ended(cell: Int, PlannedCell, CellRecord, CellTiming)
  /// A cell without a record: its result could not be written, or it could not even start.
  case lost(cell: Int, PlannedCell, reason: String)
  /// A cell that this process no longer trains: it was interrupted, or taken over by another.
  case left(cell: Int)
  /// A cell that another process has trained meanwhile.
  case elsewhere(cell: Int, CellRecord)
  /// What people should know, in one line.
  case notice(String)
}

/// What is to be done for a plan in a store.
public struct Workload: Sendable {
  public let plan: Plan
  /// The key of each cell of the plan.
  public let keys: [String]
  /// The cells whose record is missing or damaged, or failed where those are to be tried again.
  public let pending: [Int]
  /// How many of those are finished, but for a model that is wanted.
  public var withoutModel = 0
  /// The pending cells that failed before.
  let retried: Set<Int>
  /// Cells that failed before and are not tried again.
  public let failedBefore: Int
}

/// How a grid's run ended.
public struct GridOutcome: Sendable {
  public var finished = 0
  public var diverged = 0
  /// Here or, while this process ran, in others.
  public var failed = 0
  public var interrupted = false
  /// Cells of this run that other processes have trained.
  public var elsewhere = 0
  /// Cells that other processes hold and that were not waited for.
  public var held = 0
  /// Cells that were not started, or not brought to an end, because too many had failed, the store
  /// could not be used or the devices were broken.
  public var unstarted = 0
  /// GPUs that a cell broke for this process, and how.
  public var brokenDevices: [String] = []
  /// Interrupted cells that go on from a checkpoint.
  public var saved = 0
  /// Why the store cannot be used any more.
  public var storeProblem: StoreError?

  public init() {}

  /// Counts a cell that ended.
  package mutating func count(_ status: CellRecord.Status) {
    switch status {
    case .finished: finished += 1
    case .diverged: diverged += 1
    case .failed: failed += 1
    }
  }
}

/// Trains the cells of a plan that a store does not have yet, several side by side, beside any
/// number of other processes that do the same.
///
/// A cell runs on one thread from start to end, so its record has the same bytes for any number of
/// jobs.
public struct GridRunner: Sendable {
  private let registries: Registries
  private let store: RunStore
  private let jobs: Int
  private let devices: ComputeDevices
  private let options: RunOptions

  /// Makes a runner.
  ///
  /// - Parameters:
  ///   - registries: The tasks and mixers.
  ///   - store: Where records go.
  ///   - jobs: Cells side by side; nil for what suits the devices.
  ///   - devices: Where to train.
  ///   - options: How to run.
  public init(
    _ registries: Registries, store: RunStore, jobs: Int? = nil, devices: ComputeDevices,
    options: RunOptions = RunOptions()
  ) {
    self.registries = registries
    self.store = store
    self.jobs = max(1, jobs ?? devices.suitableJobs)
    self.devices = devices
    self.options = options
  }

  private var cellRunner: CellRunner {
    CellRunner(
      registries: registries, jobs: jobs, devices: devices, keepsModels: options.keepsModels)
  }

  /// Looks up what is done already.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - retryFailed: Whether failed cells count as not done.
  /// - Returns: The plan with the cells that are to be trained.
  /// - Throws: `SettingError` for a task or mixer that the program does not know, `StoreError` for a
  ///   record that must not be touched.
  public func workload(
    _ plan: Plan, retryFailed: Bool
  ) throws -> Workload {
    let keys = try plan.cells.map { try cellRunner.key(of: $0.configuration) }
    var pending: [Int] = []
    var retried: Set<Int> = []
    var withoutModel = 0
    var failedBefore = 0
    for (index, key) in keys.enumerated() {
      switch try store.state(of: key) {
      case .missing, .damaged: pending.append(index)
      case .recorded(let record) where retryFailed && record.status == .failed:
        pending.append(index)
        retried.insert(index)
      case .recorded(let record) where options.keepsModels && store.lacksModel(of: record):
        pending.append(index)
        withoutModel += 1
      case .recorded(let record): failedBefore += record.status == .failed ? 1 : 0
      }
    }
    return Workload(
      plan: plan, keys: keys, pending: pending, withoutModel: withoutModel, retried: retried,
      failedBefore: failedBefore)
  }

  /// The manifest of a plan, for the store.
  public func manifest(_ workload: Workload) -> GridManifest {
    GridManifest(
      name: workload.plan.name, description: workload.plan.description,
      tuned: workload.plan.tunedPaths,
      cells: zip(workload.keys, workload.plan.cells).map {
        GridManifest.Cell(key: $0, labels: CellLabels(task: $1.taskLabel, model: $1.modelLabel))
      })
  }

  /// Trains the pending cells.
  ///
  /// - Parameters:
  ///   - workload: What to do.
  ///   - watch: Told what happens, from several threads.
  /// - Returns: How it ended.
  package func run(
    _ workload: Workload, watch: @escaping @Sendable (GridEvent) -> Void
  ) -> GridOutcome {
    let claims = Claims(store, timing: options.claims)
    store.removeAbandoned()
    defer {
      store.sweepCheckpoints { options.keepsModels && store.lacksModel(of: $0) }
      claims.sweep()
    }
    let progress = GridProgress()
    func train(_ cells: [Int], workers: Int, isAlone: Bool) {
      guard !cells.isEmpty else { return }
      let queue = CellQueue(cells, look: options.claims.look, waits: options.waits)
      let count = min(workers, cells.count)
      // What ended the work on all cells ends it for those that wait for a device too.
      if progress.isOver(mostFailures: options.mostFailures) { queue.close() }
      let workshop = Workshop(
        workload: workload, runner: cellRunner, store: store, options: options, claims: claims,
        unfinished: store.unfinishedKeys, isAlone: isAlone || workers <= devices.names.count,
        workers: count, queue: queue, progress: progress, watch: watch)
      Threads.run(count) { workshop.work($0) }
      let rest = queue.rest
      progress.note {
        $0.unstarted += rest.unstarted
        $0.held += rest.held
      }
    }
    train(workload.pending, workers: jobs, isAlone: false)
    // Cells for which a GPU had no memory beside others come again, one on each; once more those that
    // found there what a worker kept of the cell before. The first cell of each worker is decided.
    while case let crowded = progress.takeCrowded(), !crowded.isEmpty {
      train(crowded, workers: devices.names.count, isAlone: true)
    }
    progress.note { $0.interrupted = Interrupts.isRequested }
    return progress.outcome
  }
}

extension Workload {
  /// The same with at most so many cells to train.
  public func limited(to count: Int) -> Workload {
    Workload(
      plan: plan, keys: keys, pending: Array(pending.prefix(count)),
      withoutModel: min(withoutModel, count), retried: retried, failedBefore: failedBefore)
  }
}
