import Harness
import Platform
import Records

/// `run --watch`: the progress of workers that fill a store, seen by its records alone.
struct StoreWatch {
  /// Seconds between looks at the store, and between questions to the scheduler.
  private static let lookEvery = 1.0
  private static let askEvery = 10.0

  private let workload: Workload
  private let store: RunStore
  /// The job whose end is the end of the work; nil where the workers are not known.
  private let job: String?
  private let board: ProgressBoard
  /// Of cells that are to be trained again, the record that they have already.
  private let old: [Int: CellTiming]

  init(_ workload: Workload, in store: RunStore, job: String?, quiet: Bool) {
    self.workload = workload
    self.store = store
    self.job = job
    old = workload.pending.reduce(into: [:]) { $0[$1] = store.readTiming(workload.keys[$1]) }
    board = ProgressBoard(workload, jobs: nil, quiet: quiet)
  }

  /// Waits until every cell has its record.
  ///
  /// - Returns: How the cells ended.
  /// - Throws: `CommandFailure` where it was interrupted, or the workers are gone with cells missing.
  func follow() throws -> GridOutcome {
    var waiting = workload.pending
    var outcome = GridOutcome()
    var asked = MonotonicClock.seconds
    while true {
      let tasks = job != nil && MonotonicClock.seconds - asked > Self.askEvery ? activeTasks : nil
      if tasks != nil { asked = MonotonicClock.seconds }
      // The store is looked at after the question, so that no record is missed.
      take(&waiting, &outcome)
      board.tick(elsewhere: held(waiting))
      guard !waiting.isEmpty else { break }
      if tasks == 0 { throw abandoned(waiting.count) }
      if Interrupts.isRequested { throw interrupted }
      MonotonicClock.sleep(Self.lookEvery) { Interrupts.isRequested }
    }
    board.close()
    return outcome
  }

  /// How many of the cells that are waited for somebody trains now.
  private func held(_ waiting: [Int]) -> Int {
    let claimed = Set(store.claimed.map(\.key))
    return claimed.isEmpty ? 0 : waiting.count { claimed.contains(workload.keys[$0]) }
  }

  private var activeTasks: Int? { job.flatMap { Slurm.activeTasks(of: $0) } }

  /// Takes the cells that have a record now from those that are waited for.
  private func take(_ waiting: inout [Int], _ outcome: inout GridOutcome) {
    guard let present = try? store.keys() else { return }
    waiting.removeAll { cell in
      let key = workload.keys[cell]
      guard present.contains(key), let record = try? store.read(key),
        let timing = store.readTiming(key), timing != old[cell]
      else { return false }
      outcome.count(record.status)
      board.note(.ended(cell: cell, workload.plan.cells[cell], record, timing))
      return true
    }
  }

  private func abandoned(_ missing: Int) -> CommandFailure {
    board.close()
    return CommandFailure(
      "the job has ended and \(missing) cells are missing; the logs in \(store.folder)/slurm say "
        + "why, and the same command goes on with them", status: ExitStatus.failure)
  }

  private var interrupted: CommandFailure {
    board.close()
    return CommandFailure(
      "no longer watching; the workers go on", status: Interrupts.exitStatus)
  }
}
