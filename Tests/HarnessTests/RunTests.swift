import Configuration
import Harness
import Platform
import Records
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Grids that are really trained.
@Suite struct RunTests {
  @Test func recordsDoNotDependOnTheNumberOfJobs() throws {
    let single = try TinyRun()
    let log = try single.run(jobs: 1)
    #expect(log.outcome.finished == 2 && log.outcome.failed == 0 && !log.outcome.interrupted)
    let files = try single.recordFiles()
    #expect(files.count == 2)
    for jobs in [1, 2, 7] {
      let other = try TinyRun()
      #expect(try other.run(jobs: jobs).outcome.finished == 2)
      #expect(try other.recordFiles() == files, "with \(jobs) jobs")
    }
  }

  @Test func finishedCellsAreSkipped() throws {
    let tiny = try TinyRun()
    #expect(try tiny.pending() == [0, 1])
    try tiny.run()
    #expect(try tiny.pending() == [])
    #expect(try tiny.run().started == [])
    let files = try tiny.recordFiles()
    let name = try #require(files.keys.sorted().first)
    try Files.remove(tiny.store.folder + "/cells/" + name)
    #expect(try tiny.run().started.count == 1)
    #expect(try tiny.recordFiles() == files)
  }

  @Test func damagedRecordsAreMadeAgain() throws {
    let tiny = try TinyRun()
    try tiny.run()
    let files = try tiny.recordFiles()
    let (name, bytes) = try #require(files.sorted { $0.key < $1.key }.first)
    try AtomicFile.write(
      Array(bytes.dropLast(20)), to: tiny.store.folder + "/cells/" + name)
    #expect(try tiny.pending().count == 1)
    #expect(try tiny.run().outcome.finished == 1)
    #expect(try tiny.recordFiles() == files)
    #expect(try Files.list(tiny.store.folder + "/damaged") == [name])
    #expect(try tiny.store.readAll().problems.isEmpty)
  }

  @Test func aRecordSaysEverything() throws {
    let tiny = try TinyRun()
    try tiny.run()
    let contents = try tiny.store.readAll()
    #expect(contents.problems.isEmpty)
    #expect(contents.timings.count == 2)
    for record in contents.records {
      #expect(record.status == .finished && record.reason == nil)
      #expect(tiny.plan.cells.map(\.configuration).contains(record.configuration))
      #expect(record.task.chance == 0.5 && record.task.vocabulary == 2)
      #expect(record.task.metric == "tokenAccuracy")
      let model = try #require(record.model)
      let floats = try #require(model.stateFloats)
      #expect(model.parameters > 0 && floats > 0)
      #expect(model.stateBytes == 4 * floats)
      #expect(model.mixers.map(\.name) == record.configuration.model.mixers.map(\.name))
      #expect(record.training.curve.map(\.step) == [2, 4, 6])
      #expect(record.training.examples == 24)
      let selected = try #require(
        record.training.curve.first { $0.step == record.training.selectedStep })
      #expect(record.validation == selected.validation)
      #expect(record.validation?.examples == 16)
      #expect(record.test.map(\.examples) == [24])
      #expect(record.testOverall?.examples == 24)
      let slices = record.test[0].slices
      #expect(slices.map(\.from) == [1, 41] && slices.map(\.to) == [40, 80])
      #expect(slices.reduce(0) { $0 + $1.scores.examples } == 24)
      let timing = try #require(contents.timings[record.key])
      #expect(timing.tokensPerSecond > 0 && timing.wallSeconds >= timing.trainSeconds)
    }
  }

  @Test func severalTestSegmentsHaveTheirOwnScores() throws {
    let tiny = try TinyRun(
      """
      name: segments
      baseline:
        task:
          name: parity
          length: 5
          test: [{length: 5, examples: 10}, {length: {from: 6, to: 9}, examples: 30}]
          validation: {examples: 8}
        model: {mixer: gru, width: 8, layers: 1}
        training: {steps: 2, batch: 4}
      """)
    try tiny.run()
    let record = try #require(try tiny.store.readAll().records.first)
    #expect(record.test.map(\.examples) == [10, 30])
    #expect(record.test.map { $0.settings["length"] } == [.integer(5), .range(6...9)])
    let combined = Scores.combined(record.test.map(\.scores))
    let overall = try #require(record.testOverall)
    #expect(overall.examples == 40)
    #expect(abs(overall.tokenAccuracy - combined.tokenAccuracy) < 1e-12)
    #expect(abs(overall.loss - combined.loss) < 1e-9)
  }

  @Test func divergenceIsARecord() throws {
    let grid = TinyRun.grid.replacing("steps: 6,", with: "steps: 6, learningRate: 1000, clip: 0,")
    let tiny = try TinyRun(grid)
    let log = try tiny.run()
    #expect(log.outcome.diverged == 2 && log.outcome.failed == 0)
    for record in log.records.values {
      #expect(record.status == .diverged && record.reason?.isEmpty == false)
      #expect(record.test.isEmpty && record.testOverall == nil)
      #expect(record.model != nil)
    }
    #expect(try tiny.pending(retryFailed: true) == [], "a divergence is a result")
  }

  @Test func theManifestListsTheCells() throws {
    let tiny = try TinyRun()
    let runner = tiny.runner()
    let workload = try runner.workload(tiny.plan, retryFailed: false)
    let manifest = runner.manifest(workload)
    #expect(manifest.name == "tiny")
    #expect(manifest.cells.map(\.key) == workload.keys)
    #expect(manifest.cells.map(\.labels.model) == ["gru", "delta-net"])
    #expect(workload.limited(to: 1).pending == [0])
  }

  /// In a process of its own, because a signal concerns a whole process.
  @Test func anInterruptedGridLeavesNoRecord() async {
    await #expect(processExitsWith: .exitCode(7)) {
      exit(try Self.interruptedRunIsClean() ? 7 : 1)
    }
  }

  private static func interruptedRunIsClean() throws -> Bool {
    let tiny = try TinyRun()
    Interrupts.install()
    let runner = tiny.runner(jobs: 2)
    let outcome = runner.run(try runner.workload(tiny.plan, retryFailed: false)) { event in
      guard case .progress = event, !Interrupts.isRequested else { return }
      signalOnce.withLock { sent in
        if !sent { kill(getpid(), SIGTERM) }
        sent = true
      }
      while !Interrupts.isRequested { usleep(100) }
    }
    return try outcome.interrupted && outcome.finished == 0 && tiny.recordFiles().isEmpty
  }

  /// A second signal would end the process at once.
  private static let signalOnce = Mutex(false)
}

/// Cells that cannot be trained do not take the grid down.
@Suite struct RunFailureTests {
  private func grid(task: String = "parity", mixers: String) -> String {
    """
    name: failing
    baseline:
      task: {name: \(task), validation: {examples: 8}, test: {examples: 8}}
      model: {mixer: gru, width: 8, layers: 1}
      training: {steps: 2, batch: 4}
    product:
      model.mixer: [\(mixers)]
    """
  }

  @Test(arguments: [1, 2]) func aMixerThatCannotBeBuiltIsAFailedRecord(_ jobs: Int) throws {
    let tiny = try TinyRun(
      grid(mixers: "gru, flaky, lstm"), known: .with(mixer: SoundMixer.self),
      running: .with(mixer: BrokenMixer.self))
    let log = try tiny.run(jobs: jobs)
    #expect((log.outcome.finished, log.outcome.failed) == (2, 1))
    #expect(log.lost.isEmpty)
    let failed = try #require(log.records[1])
    #expect(failed.status == .failed)
    #expect(failed.reason?.contains("this mixer cannot be built") == true)
    #expect(failed.model == nil && failed.test.isEmpty)
    #expect(try tiny.pending() == [])
    #expect(try tiny.pending(retryFailed: true) == [1])

    // Where the mixer works again, its cell is made up for.
    let repaired = try TinyRun(
      grid(mixers: "gru, flaky, lstm"), known: .with(mixer: SoundMixer.self), folder: tiny.folder)
    #expect(try repaired.run().started == [])
    #expect(try repaired.run(retryFailed: true).outcome.finished == 1)
    #expect(try repaired.pending(retryFailed: true) == [])
  }

  @Test func aTaskThatCannotBeMadeIsReported() throws {
    let good = Registries.with(task: CopyTask<FirstCopy>.self)
    let bad = Registries.with(task: CopyTask<FailingCopy>.self)
    let text = grid(mixers: "gru, lstm").replacing(
      "product:", with: "product:\n  task.name: [copy, parity]")
    let log = try TinyRun(text, known: good, running: bad).run(jobs: 2)
    #expect((log.outcome.finished, log.outcome.failed) == (2, 2))
    #expect(log.lost.count + log.records.values.filter { $0.status == .failed }.count == 2)
    #expect(log.lost.values.allSatisfy { $0.contains("this task cannot be made") })
    #expect(try TinyRun(text, known: good).run().outcome.finished == 4)
  }

  @Test func aStoreThatCannotBeWrittenIsReported() throws {
    let tiny = try TinyRun()
    try AtomicFile.write([1], to: tiny.folder.path + "/store")
    let log = try tiny.run()
    #expect((log.outcome.finished, log.outcome.failed, log.outcome.unstarted) == (0, 0, 1))
    #expect(log.outcome.storeProblem?.description.contains("/store") == true)
    #expect(log.outcome.storeProblem?.kind == .system)
  }
}
