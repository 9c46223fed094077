import CUDABackend
import FakeCUDA
import Harness
import Tensors
import Testing

/// What a worker of a grid keeps on a GPU from one cell to the next.
@Suite struct WorkerTests {
  /// A cell that wants so many numbers on the device.
  private func cell(of worker: Worker, numbers: Int) throws -> ObjectIdentifier {
    defer { worker.settle() }
    let backend = try worker.backend()
    _ = backend.empty([numbers])
    return ObjectIdentifier(backend)
  }

  private func worker(
    _ number: Int = 0, of workers: Int = 2, on machine: FakeMachine
  ) throws -> Worker {
    let devices = try ComputeDevices(.allGPUs, cache: nil) { () throws(CUDAError) in
      try machine.libraries()
    }
    return Worker(number, of: workers, on: devices)
  }

  @Test func smallCellsShareABackend() throws {
    try withMachine { machine in
      let worker = try worker(on: machine)
      let first = try cell(of: worker, numbers: 1000)
      let streams = machine.live.streams
      #expect(try cell(of: worker, numbers: 2000) == first)
      #expect(machine.live.streams == streams)
      #expect(machine.calls("cublasCreate_v2") == 1)
    }
  }

  @Test func muchMemoryIsGivenBackAfterTheCell() throws {
    try withMachine(memory: 1 << 30) { machine in
      let worker = try worker(on: machine)
      // An eighth of the memory is what each of two workers may keep.
      _ = try cell(of: worker, numbers: 1 << 20)
      #expect(machine.live.streams == 1)
      _ = try cell(of: worker, numbers: 40 << 20)
      #expect(machine.live.streams == 0)
    }
  }

  @Test func afterAFailureTheNextCellGetsANewBackend() throws {
    try withMachine { machine in
      let worker = try worker(on: machine)
      _ = try cell(of: worker, numbers: 1000)
      machine.fail("cuMemAlloc_v2", call: machine.calls("cuMemAlloc_v2") + 1, status: 2)
      _ = try cell(of: worker, numbers: 3 << 20)
      #expect(machine.live.streams == 0)
      #expect(try worker.backend().failure == nil)
    }
  }

  @Test func workersTakeTheDevicesInTurn() throws {
    try withMachine(devices: 2) { machine in
      let names = try (0..<3).map { try worker($0, of: 3, on: machine).backend().name.prefix(6) }
      #expect(names == ["cuda:0", "cuda:1", "cuda:0"])
    }
  }
}
