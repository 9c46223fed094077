import Configuration
import Platform
import Records

/// What the workers of one process share: each takes a cell, claims it, trains it, and writes its
/// record.
struct Workshop: Sendable {
  let workload: Workload
  let runner: CellRunner
  let store: RunStore
  let options: RunOptions
  let claims: Claims
  /// Cells of which there were unfinished files at the start.
  let unfinished: Set<String>
  let isAlone: Bool
  let workers: Int
  let queue: CellQueue
  let progress: GridProgress
  let watch: @Sendable (GridEvent) -> Void

  /// Works until nothing is left to do.
  func work(_ number: Int) {
    let worker = Worker(number, of: workers, on: runner.devices)
    while !Interrupts.isRequested, worker.isUsable, let next = queue.next() {
      switch next {
      case .cell(let cell):
        do throws(StoreError) {
          try attempt(cell, worker)
        } catch {
          stop(error)
        }
      case .wait(let newlyHeld):
        if let newlyHeld {
          let cells = newlyHeld == 1 ? "1 cell" : "\(newlyHeld) cells"
          watch(.notice("waiting for \(cells) that other processes train"))
        }
        MonotonicClock.sleep(min(options.claims.look, 0.5)) { Interrupts.isRequested }
      }
    }
    tellBreakage(worker)
  }

  /// A device that a cell broke trains no more: that cell has failed, those beside it are left.
  private func tellBreakage(_ worker: Worker) {
    guard let breakage = worker.breakage else { return }
    progress.note {
      if !$0.brokenDevices.contains(breakage) { $0.brokenDevices.append(breakage) }
    }
  }

  /// No more cells are started in a store that cannot be used.
  private func stop(_ problem: StoreError) {
    queue.close()
    progress.note { $0.storeProblem = $0.storeProblem ?? problem }
  }

  /// Trains a cell unless somebody else does or did.
  private func attempt(_ cell: Int, _ worker: Worker) throws(StoreError) {
    let key = workload.keys[cell]
    if try isDone(cell) { return }
    switch try claims.take(key) {
    case .held: queue.hold(cell)
    case .taken(let claim, let lost):
      defer { claim.release() }
      // It may have been finished between the look and the claim.
      if try isDone(cell) { return }
      if lost != nil || unfinished.contains(key) { store.removeUnfinished(key) }
      if let lost { tell(cell, "taken over from process \(lost.number) on \(lost.host)") }
      try train(cell, claim, worker)
    }
  }

  /// Whether another process has recorded the cell since this one looked at the store.
  private func isDone(_ cell: Int) throws(StoreError) -> Bool {
    guard case .recorded(let record) = try store.state(of: workload.keys[cell]) else {
      return false
    }
    if options.keepsModels, store.lacksModel(of: record) { return false }
    // A failure is tried again once, by whichever process.
    if record.status == .failed, workload.retried.contains(cell), !queue.wasHeld(cell) {
      return false
    }
    progress.note {
      $0.elsewhere += 1
      if record.status == .failed { $0.failed += 1 }
    }
    watch(.elsewhere(cell: cell, record))
    return true
  }

  private func train(_ cell: Int, _ claim: Claim, _ worker: Worker) throws(StoreError) {
    let planned = workload.plan.cells[cell]
    let seconds = options.checkpointEvery > 0 ? options.checkpointEvery : .infinity
    let checkpoints = CellCheckpoints(
      store: store, key: claim.key, seconds: seconds, isHeld: { claim.verify() },
      tell: { tell(cell, $0) })
    watch(.started(cell: cell, planned))
    do {
      let result = try runner.run(
        planned, key: claim.key, worker: worker, isAlone: isAlone, checkpoints: checkpoints,
        interrupted: { Interrupts.isRequested || !claim.isHeld },
        watch: { watch(.progress(cell: cell, $0)) })
      try end(cell, claim, result)
    } catch let error as StoreError {
      fail(cell, "\(error)")
      throw error
    } catch {
      fail(cell, "\(error)")
    }
  }

  private func end(_ cell: Int, _ claim: Claim, _ result: CellRunner.Result) throws(StoreError) {
    switch result {
    case .interrupted(let savedStep):
      if savedStep != nil { progress.note { $0.saved += 1 } }
      leave(cell, claim)
    case .crowded:
      progress.addCrowded(cell)
      watch(.left(cell: cell))
    case .stranded:
      progress.note { $0.unstarted += 1 }
      watch(.left(cell: cell))
    case .recorded(let record, let timing, let model):
      guard claim.verify() else { return leave(cell, claim) }
      try keepDamaged(record.key, cell)
      // The record comes last: a cell with a record is finished.
      if let model { try store.write(model) }
      try store.write(record, timing)
      if record.status != .failed { store.removeCheckpoint(record.key) }
      count(record.status)
      watch(.ended(cell: cell, workload.plan.cells[cell], record, timing))
    }
  }

  /// Lets go of a cell that was interrupted or that somebody else has taken over.
  private func leave(_ cell: Int, _ claim: Claim) {
    watch(.left(cell: cell))
    guard !Interrupts.isRequested else { return }
    tell(cell, "another process has taken it over")
    queue.hold(cell)
  }

  private func fail(_ cell: Int, _ reason: String) {
    count(.failed)
    watch(.lost(cell: cell, workload.plan.cells[cell], reason: reason))
  }

  private func count(_ status: CellRecord.Status) {
    let failures = progress.add(status)
    if let most = options.mostFailures, failures >= most { queue.close() }
  }

  /// Keeps what is left of a record that cannot be read before its cell's new one is written.
  private func keepDamaged(_ key: String, _ cell: Int) throws(StoreError) {
    guard store.hasFile(of: key), case .damaged(let problem) = try store.state(of: key) else {
      return
    }
    let place = try store.setAside(key)
    tell(cell, "\(problem); it is now \(place), and the cell was trained again")
  }

  private func tell(_ cell: Int, _ text: String) {
    let planned = workload.plan.cells[cell]
    watch(
      .notice(
        "\(planned.taskLabel) · \(planned.modelLabel) · seed \(planned.configuration.seed): "
          + text))
  }
}
