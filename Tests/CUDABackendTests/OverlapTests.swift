import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// Kernels that may begin before the one before them ends.
///
/// The imaginary driver calls it a fault where what is before them is not a kernel.
@Suite struct OverlapTests {
  /// Whether each launch of `body` overlaps.
  private func overlaps(
    _ machine: FakeMachine, _ backend: CUDABackend, _ body: () -> Void
  ) -> [Bool] {
    let before = machine.launches.count
    body()
    #expect(backend.failure == nil)
    return machine.launches.dropFirst(before).map(\.overlaps)
  }

  @Test func kernelsOverlapWithKernelsOnly() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (x, y) = (backend.zeros([6]), backend.zeros([6]))
      let add = { backend.add(x, y, into: y) }
      let product = MatrixProduct(m: 2, n: 3, k: 2)
      let others: [() -> Void] = [
        { backend.fill(x, with: 1) }, { backend.copy(x, to: y) }, { _ = backend.values(x) },
        { [Float](repeating: 1, count: 6).withUnsafeBufferPointer { backend.upload($0, to: x) } },
        { backend.multiply(product, x, y, bias: nil, into: y) },
        { backend.multiply(product, x, y, bias: x, into: y) },
      ]
      for other in others {
        let found = overlaps(machine, backend) {
          other()
          for _ in 0..<3 { add() }
        }
        #expect(found == [false, true, true])
      }
    }
  }

  @Test func poisonIsAFilling() throws {
    try withMachine { machine in
      let backend = try machine.backend(poison: true)
      let found = overlaps(machine, backend) {
        for _ in 0..<3 {
          let x = backend.empty([4])
          backend.add(x, x, into: x)
          backend.add(x, x, into: x)
        }
      }
      #expect(found == [false, true, false, true, false, true])
    }
  }

  @Test func recordedStepsBeginAnew() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([6])
      let add = { backend.add(x, x, into: x) }
      let body = {
        add()
        add()
        backend.fill(x, with: 2)
        add()
        add()
      }
      backend.rehearse(body)
      var step: (any Replayable)?
      let recorded = overlaps(machine, backend) { step = backend.capture(body) }
      #expect(recorded == [false, true, false, true])
      let replay = try #require(step).replay
      let around = overlaps(machine, backend) {
        add()
        replay()
        add()
        add()
        replay()
        replay()
        add()
      }
      #expect(around == [false, false, true, false])
      backend.synchronize()
    }
  }

  @Test func aLaunchThatFailedIsNotOverlappedWith() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([4])
      machine.fail("cuLaunchKernelEx", status: 700)
      for _ in 0..<3 { backend.add(x, x, into: x) }
      let failure = try #require(backend.failure as? CUDAError)
      #expect(failure.what == "running kernel 'add' of pointwise.cu" && failure.status == 700)
      #expect(machine.launches.count == 1)
    }
  }

  /// Devices and drivers without it get ordinary launches.
  @Test(arguments: [(80, 13_010), (90, 12_020)])
  func othersLaunchAsEver(_ capability: Int, _ driver: Int) throws {
    try withMachine { machine in
      machine.set(capability: capability, driver: driver)
      let device = try machine.device()
      #expect(!device.overlapsLaunches)
      let backend = try CUDABackend(device)
      let x = backend.zeros([4])
      for _ in 0..<3 { backend.add(x, x, into: x) }
      #expect(machine.calls("cuLaunchKernel") == 3 && machine.calls("cuLaunchKernelEx") == 0)
      #expect(backend.failure == nil)
    }
  }

  @Test func driversMayLackTheLaunch() throws {
    try withMachine { machine in
      let libraries = try CUDALibraries { _, symbol in
        symbol == "cuLaunchKernelEx" ? nil : fake_symbol(symbol)
      }
      let device = try CUDADevice(0, libraries: libraries, cache: nil)
      #expect(!device.overlapsLaunches)
    }
  }
}
