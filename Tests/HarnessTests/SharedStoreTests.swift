import Harness
import Platform
import Records
import Synchronization
import Testing
import Training

/// Several runners on one store, as several processes are.
@Suite struct SharedStoreTests {
  private static let grid = """
    name: tiny
    baseline:
      task: {name: parity, length: {from: 3, to: 12}, validation: {examples: 8}, test: {examples: 8}}
      model: {mixer: gru, width: 8, layers: 1}
      training: {steps: 4, batch: 4, evaluateEvery: 2}
    product:
      model.mixer: [gru, lstm]
      seed: [0, 1, 2, 3]

    """
  private static let stranger = RunningProcess(
    host: "elsewhere", number: 7, place: "another boot", start: "1")

  private func impatient(waits: Bool = true) -> RunOptions {
    var options = RunOptions()
    options.claims = ClaimTiming(beat: 0.02, patience: 0.2, look: 0.02)
    options.waits = waits
    return options
  }

  private func workload(_ tiny: TinyRun) throws -> Workload {
    try tiny.runner().workload(tiny.plan, retryFailed: false)
  }

  @Test func eachCellIsTrainedOnce() throws {
    let alone = try TinyRun(Self.grid)
    try alone.run()
    let tiny = try TinyRun(Self.grid)
    let work = try workload(tiny)
    let started = Mutex<[Int: Int]>([:])
    let outcomes = Mutex<[GridOutcome]>([])
    let runners = (0..<3).map { _ in tiny.runner(jobs: 2) }
    Threads.run(3) { number in
      let outcome = runners[number].run(work) { event in
        guard case .started(let cell, _) = event else { return }
        started.withLock { $0[cell, default: 0] += 1 }
      }
      outcomes.withLock { $0.append(outcome) }
    }
    #expect(started.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, 1) }))
    #expect(outcomes.withLock { $0.reduce(0) { $0 + $1.finished } } == 8)
    for outcome in outcomes.withLock({ $0 }) {
      #expect(outcome.finished + outcome.elsewhere == 8 && outcome.storeProblem == nil)
    }
    #expect(try tiny.recordFiles() == alone.recordFiles())
    #expect(!Files.exists(tiny.store.folder + "/claims"))
  }

  /// A worker elsewhere that never gives a sign of life again.
  @Test func aLostWorkersCellIsTakenOver() throws {
    let tiny = try TinyRun(Self.grid)
    let key = try workload(tiny).keys[3]
    let silent = ClaimTiming(beat: 1e6, patience: 1e6, look: 1)
    let lost = Claims(tiny.store, timing: silent, owner: Self.stranger)
    guard case .taken = try lost.take(key) else {
      Issue.record("the cell is not free")
      return
    }
    let log = try tiny.run(options: impatient())
    #expect(log.outcome.finished == 8)
    #expect(log.notices.contains { $0 == "waiting for 1 cell that other processes train" })
    #expect(log.notices.contains { $0.contains("taken over from process 7 on elsewhere") })
  }

  @Test func aLivingWorkersCellIsWaitedFor() throws {
    let tiny = try TinyRun(Self.grid)
    let work = try workload(tiny)
    let alone = try TinyRun(Self.grid)
    try alone.run()
    let living = Claims(tiny.store, timing: impatient().claims, owner: Self.stranger)
    guard case .taken(let claim, _) = try living.take(work.keys[0]) else {
      Issue.record("the cell is not free")
      return
    }
    let left = try tiny.run(options: impatient(waits: false))
    #expect((left.outcome.finished, left.outcome.held) == (7, 1))
    let record = try alone.store.read(work.keys[0])
    let store = tiny.store
    let log = try tiny.run(options: impatient()) { event in
      guard case .notice = event else { return }
      // What the other worker does at last.
      try? store.write(record)
      claim.release()
    }
    #expect((log.outcome.finished, log.outcome.elsewhere) == (0, 1))
    #expect(try tiny.recordFiles() == alone.recordFiles())
  }

  /// The other worker was only slow: this one stops, and does not spoil what is there.
  @Test func aCellThatIsTakenAwayIsLeft() throws {
    let tiny = try TinyRun(Self.grid)
    let keys = try workload(tiny).keys
    let claims = tiny.store.folder + "/claims/"
    let thief = Claims(tiny.store, timing: .standard, owner: Self.stranger)
    let stolen = Mutex<Claim?>(nil)
    let log = try tiny.run(options: impatient()) { event in
      switch event {
      case .progress(let cell, .step(let step, _, _, _)) where cell == 2 && step == 1:
        // Once: the cell comes again.
        guard stolen.withLock({ $0 == nil }) else { return }
        try? Files.remove(claims + keys[2])
        if case .taken(let claim, _)? = try? thief.take(keys[2]) {
          stolen.withLock { $0 = claim }
        }
        MonotonicClock.sleep(0.1)
      case .left(let cell) where cell == 2:
        stolen.withLock { $0?.release() }
      default: break
      }
    }
    #expect(stolen.withLock { $0 } != nil)
    #expect(log.notices.contains { $0.contains("another process has taken it over") })
    #expect(log.outcome.finished == 8)
  }

  @Test func recordsOfNewerVersionsAreLeftAlone() throws {
    let tiny = try TinyRun(Self.grid)
    let key = try workload(tiny).keys[0]
    let path = tiny.store.folder + "/cells/\(key).json"
    try Files.makeFolder(tiny.store.folder + "/cells")
    let newer = Array(#"{"schema": 9, "marvels": []}"#.utf8)
    try AtomicFile.write(newer, to: path)
    #expect { try tiny.run() } throws: { error in
      (error as? StoreError)?.kind == .otherVersion && "\(error)".contains("newer version")
    }
    #expect(try Files.read(path) == newer)
  }

  @Test func tooManyFailuresEndTheRun() throws {
    let text = Self.grid.replacing("[gru, lstm]", with: "[flaky]")
    let tiny = try TinyRun(
      text, known: .with(mixer: SoundMixer.self), running: .with(mixer: BrokenMixer.self))
    var options = RunOptions()
    options.mostFailures = 3
    let log = try tiny.run(options: options)
    #expect((log.outcome.failed, log.outcome.unstarted) == (3, 1))
    #expect(try tiny.run(options: options).outcome.failed == 1, "no failed cell is tried again")
    #expect(try tiny.run(retryFailed: true).outcome.failed == 4)
  }
}
