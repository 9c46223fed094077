import CUDABackend
import Configuration
import FakeCUDA
import Harness
import Platform
import Records
import Synchronization
import Testing

/// Cells for which a GPU has too little memory beside others.
@Suite struct CrowdedDeviceTests {
  private static func grid(batches: [Int]) -> String {
    """
    name: tiny
    baseline:
      task: {name: parity, length: {from: 3, to: 20}, validation: {examples: 16}, test: {examples: 16}}
      model: {mixer: gru, width: 64, layers: 2}
      training: {steps: 3, evaluateEvery: 3}
    product:
      training.batch: \(batches)

    """
  }

  /// Trains cells.
  ///
  /// - Parameters:
  ///   - batches: One cell for each.
  ///   - machine: Where.
  ///   - jobs: How many side by side.
  ///   - mostFailures: As `RunOptions` has it.
  ///   - watch: Told what happens.
  /// - Returns: How it ended.
  /// - Throws: What the plan or the store reports.
  private static func run(
    batches: [Int], on machine: FakeMachine, jobs: Int = 1, mostFailures: Int? = nil,
    watch: @escaping @Sendable (GridEvent) -> Void = { _ in }
  ) throws -> GridOutcome {
    let folder = try TemporaryFolder()
    let store = RunStore(folder.path + "/store")
    let devices = try ComputeDevices(.allGPUs, cache: nil) { () throws(CUDAError) in
      try machine.libraries()
    }
    let registries = Registries()
    let plan = try Grid(text: grid(batches: batches), file: "g.yaml")
      .plan(catalog: registries.gridCatalog)
    var options = RunOptions()
    options.mostFailures = mostFailures
    let runner = GridRunner(
      registries, store: store, jobs: jobs, devices: devices, options: options)
    return runner.run(try runner.workload(plan, retryFailed: false)) { event in
      if case .started = event { machine.use() }
      watch(event)
    }
  }

  /// The device's memory that a cell takes by itself.
  private static func bytes(batch: Int) throws -> Int {
    try withMachine(memory: 1 << 34) { machine in
      let bytes = Mutex(0)
      _ = try run(batches: [batch], on: machine) { event in
        // A worker's memory is still there.
        if case .ended = event { bytes.withLock { $0 = machine.live.bytes } }
      }
      return bytes.withLock { $0 }
    }
  }

  /// What a worker keeps of a cell must not cost the next one its result.
  @Test func aCellThatFitsAloneIsTrainedAfterAnother() throws {
    let (small, large) = (try Self.bytes(batch: 256), try Self.bytes(batch: 1024))
    #expect(small < large)
    try withMachine(memory: large) { machine in
      let outcome = try Self.run(batches: [256, 1024], on: machine)
      #expect(outcome.failed == 0 && outcome.finished + outcome.diverged == 2)
    }
  }

  /// `--maxfail` holds for cells that wait for the device too.
  @Test func noCellIsTriedAloneAfterTooManyFailures() throws {
    try withMachine(memory: 64 << 20) { machine in
      let copy = "cuMemcpyDtoHAsync_v2"
      let isTried = Mutex(false)
      let outcome = try Self.run(batches: [32, 1024], on: machine, jobs: 2, mostFailures: 1) {
        switch $0 {
        // The small cell, which fails, begins when the large one has found no memory.
        case .started(cell: 0, _):
          MonotonicClock.sleep(60) { isTried.withLock { $0 } }
          machine.fail(copy, call: machine.calls(copy) + 1, status: 1)
        case .left(cell: 1), .ended(cell: 1, _, _, _): isTried.withLock { $0 = true }
        default: break
        }
      }
      #expect(outcome.failed == 1 && outcome.unstarted == 1)
    }
  }

  /// Without memory a driver may say of a launch that it does not know what is wrong.
  @Test(arguments: [(2, 0), (999, 0), (1, 1)])
  func aCellThatMayHaveLackedMemoryIsTriedAlone(status: Int, failed: Int) throws {
    try withMachine { machine in
      machine.set(capability: 80, driver: 13_010)
      machine.fail("cuLaunchKernel", call: 20, status: Int32(status))
      let outcome = try Self.run(batches: [32, 64], on: machine, jobs: 2)
      #expect(outcome.failed == failed && outcome.finished + outcome.diverged == 2 - failed)
    }
  }
}
