import CUDABackend
import Configuration
import FakeCUDA
import Harness
import Platform
import Records
import Tensors
import Testing

/// What a kernel that breaks a GPU costs: its own cell, not the grid.
@Suite struct BrokenDeviceTests {
  private static let grid = """
    name: tiny
    baseline:
      task: {name: parity, length: {from: 3, to: 20}, validation: {examples: 16}, test: {examples: 16}}
      model: {mixer: gru, width: 8, layers: 1}
      training: {steps: 6, batch: 4, evaluateEvery: 2}
    product:
      seed: [0, 1, 2, 3, 4, 5]

    """

  /// Trains what a store lacks; the workers' threads have the machine too.
  private static func run(_ store: RunStore, on machine: FakeMachine, jobs: Int) throws
    -> GridOutcome
  {
    let devices = try ComputeDevices(.allGPUs, cache: nil) { () throws(CUDAError) in
      try machine.libraries()
    }
    let registries = Registries()
    let plan = try Grid(text: grid, file: "g.yaml").plan(catalog: registries.gridCatalog)
    let runner = GridRunner(registries, store: store, jobs: jobs, devices: devices)
    let workload = try runner.workload(plan, retryFailed: false)
    try store.writeGrid(runner.manifest(workload))
    return runner.run(workload) { event in
      if case .started = event { machine.use() }
    }
  }

  /// Kernels are only imagined here, so what records say is not looked at.
  private static func recorded(_ store: RunStore) throws -> Int {
    try Files.list(store.folder + "/cells").count
  }

  @Test(arguments: [1, 3]) func oneCellFailsAndTheOthersAreLeft(jobs: Int) throws {
    let folder = try TemporaryFolder()
    let store = RunStore(folder.path + "/store")
    try withMachine { machine in
      machine.fail("cuMemcpyDtoHAsync_v2", call: 12, status: 700)
      let outcome = try Self.run(store, on: machine, jobs: jobs)
      #expect(outcome.failed == 1)
      #expect(outcome.brokenDevices.count == 1)
      #expect(outcome.brokenDevices[0].hasPrefix("cuda:0 works no more (copying from cuda:0"))
      let done = outcome.finished + outcome.diverged
      #expect(outcome.unstarted == 5 - done && outcome.unstarted > 0)
      #expect(try Self.recorded(store) == done + 1)
    }
    // The same command in a new process goes on with what is left.
    try withMachine { machine in
      let outcome = try Self.run(store, on: machine, jobs: jobs)
      #expect(outcome.failed == 0 && outcome.unstarted == 0 && outcome.brokenDevices.isEmpty)
      #expect(try Self.recorded(store) == 6)
    }
  }

  /// With a GPU that works the grid goes on there.
  @Test func theOtherGPUsGoOn() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(folder.path + "/store")
    try withMachine(devices: 2) { machine in
      machine.fail("cuMemcpyDtoHAsync_v2", call: 12, status: 717)
      let outcome = try Self.run(store, on: machine, jobs: 2)
      #expect(outcome.failed == 1 && outcome.unstarted == 0)
      #expect(outcome.finished + outcome.diverged == 5)
      #expect(outcome.brokenDevices.count == 1)
    }
  }
}
