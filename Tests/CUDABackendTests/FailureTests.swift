import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// What goes wrong is kept, what follows is skipped, and everything is given back.
@Suite struct FailureTests {
  @Test func withoutMemoryTheBackendFailsAndTheRestIsSkipped() throws {
    try withMachine(memory: 64 << 20) { machine in
      let backend = try machine.backend()
      let small = backend.zeros([4])
      let large = backend.zeros([20 << 20])
      let failure = try #require(backend.failure as? CUDAError)
      #expect(failure.isOutOfMemory)
      #expect(
        failure.description == "asking the GPU for 80 MiB: out of memory (CUDA error 2)")
      backend.add(large, large, into: large)
      backend.copy(small, to: small)
      backend.multiply(MatrixProduct(m: 2, n: 2, k: 2), large, large, bias: nil, into: large)
      #expect(machine.launches.isEmpty && machine.calls("cuMemcpyDtoDAsync_v2") == 0)
      // Nobody takes these for results.
      #expect(backend.values(small).allSatisfy { $0.isNaN })
      #expect(backend.capture {} == nil)
    }
  }

  @Test func anotherBackendMayStartAfterwards() throws {
    try withMachine(memory: 64 << 20) { machine in
      let device = try machine.device()
      for _ in 0..<3 {
        let backend = try CUDABackend(device)
        _ = backend.empty([20 << 20])
        #expect(backend.failure != nil)
      }
      let backend = try CUDABackend(device)
      #expect(backend.values(backend.zeros([4])) == [0, 0, 0, 0] && backend.failure == nil)
    }
  }

  @Test func tooLittleMemoryForTheLibraryIsAnError() throws {
    withMachine(memory: 1 << 20) { machine in
      #expect(throws: CUDAError.self) { try machine.backend() }
    }
  }

  /// A cell that finds no memory beside others is tried again alone: it must be known as one.
  @Test(arguments: [("cuModuleLoadData", 2), ("cublasCreate_v2", 3), ("cublasCreate_v2", 1)])
  func withoutMemoryForLibrariesItIsMemoryThatLacks(symbol: String, status: Int) throws {
    withMachine { machine in
      machine.fail(symbol, status: Int32(status))
      do throws(CUDAError) {
        let backend = try machine.backend()
        let x = backend.zeros([4])
        backend.add(x, x, into: x)
        #expect((backend.failure as? CUDAError)?.isOutOfMemory == true)
      } catch {
        #expect(error.isOutOfMemory)
      }
    }
  }

  @Test func aKernelThatDoesNotCompileFailsWithTheLog() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([4])
      machine.fail("nvrtcCompileProgram", status: 6)
      backend.add(x, x, into: x)
      let failure = "\(try #require(backend.failure))"
      #expect(failure.hasPrefix("pointwise.cu does not compile for sm_90:"))
      #expect(failure.contains("error: this is the log"))
    }
  }

  @Test func onlyTheFirstFailureIsKept() throws {
    try withMachine { machine in
      machine.set(capability: 80, driver: 13_010)
      let backend = try machine.backend()
      let x = backend.zeros([4])
      machine.fail("cuLaunchKernel", call: 2, status: 700)
      for _ in 0..<3 { backend.add(x, x, into: x) }
      machine.fail("cuStreamSynchronize", status: 999)
      backend.synchronize()
      #expect(machine.launches.count == 1)
      #expect(
        "\(try #require(backend.failure))"
          == "running kernel 'add' of pointwise.cu: an illegal memory access was encountered "
          + "(CUDA error 700)")
    }
  }

  /// What the host had in that place before is no number of the device's.
  @Test(arguments: ["cuMemcpyDtoHAsync_v2", "cuStreamSynchronize"])
  func aCopyThatFailedIsNotANumber(symbol: String) throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (x, index) = (backend.zeros([4]), backend.indices([1, 2], [2]))
      machine.fail(symbol, call: machine.calls(symbol) + 1, status: 700)
      var values: [Float] = [1, 2, 3, 4]
      values.withUnsafeMutableBufferPointer { backend.download(x, to: $0) }
      #expect(values.allSatisfy(\.isNaN) && backend.failure != nil)
      #expect(backend.values(index) == [-1, -1])
    }
  }

  /// Everything that a training run asks of the driver.
  private static func run(_ machine: FakeMachine, calls: inout [String: Int]) throws -> String? {
    let backend = try machine.backend()
    let x = backend.tensor((0..<40_000).map(Float.init), [40_000])
    let (y, norm) = (backend.zeros([40_000]), backend.zeros([1]))
    let body = {
      let z = backend.empty([40_000])
      backend.add(x, y, into: z)
      backend.apply(.gelu, z, into: z)
      backend.copy(z, to: y)
      backend.multiply(MatrixProduct(m: 10, n: 20, k: 30), x, y, bias: y, into: z)
      backend.gradientNorm(z, into: norm)
      backend.add(backend.tensor([1], [1]), norm, into: norm)
    }
    backend.rehearse(body)
    let step = backend.capture(body)
    for _ in 0..<2 { step?.replay() }
    // More than the ring holds.
    for _ in 0..<3 { _ = backend.tensor([Float](repeating: 0, count: 1 << 20), [1 << 20]) }
    _ = backend.values(norm)
    _ = try backend.facts()
    backend.synchronize()
    // Not those of the end: there is nobody to tell of them.
    calls = machine.allCalls
    return backend.failure.map { "\($0)" }
  }

  /// Functions that give back: there is nobody to tell.
  private static let silent: Set<String> = [
    "cuDevicePrimaryCtxRelease_v2", "cuMemFree_v2", "cuMemFreeHost", "cuStreamDestroy_v2",
    "cuGraphDestroy", "cuGraphExecDestroy", "cuEventDestroy_v2", "cuModuleUnload",
    "nvrtcDestroyProgram", "cublasDestroy_v2", "cublasLtDestroy", "cublasLtMatmulDescDestroy",
    "cublasLtMatrixLayoutDestroy", "cublasLtMatmulPreferenceDestroy",
    // A device without a name, and texts of errors.
    "cuDeviceGetName", "cuGetErrorName", "cuGetErrorString",
  ]

  /// Each call that a run makes fails in one run: the run ends with an error that can be shown, and
  /// leaves nothing behind.
  @Test func everyCallMayFail() throws {
    var calls: [String: Int] = [:]
    try withMachine { machine throws in
      #expect(try Self.run(machine, calls: &calls) == nil)
    }
    var tried = 0
    for (symbol, count) in calls.sorted(by: { $0.key < $1.key }) where count > 0 {
      guard !Self.silent.contains(symbol) else { continue }
      for call in Set([1, 2, (count + 1) / 2, count]) where call <= count {
        withMachine { machine in
          machine.fail(symbol, call: call, status: call % 2 == 0 ? 2 : 999)
          var ignored: [String: Int] = [:]
          do {
            let failure = try Self.run(machine, calls: &ignored)
            // There is another way to add a bias.
            if symbol.hasPrefix("cublasLt") { #expect(failure == nil) }
            // What a device only tells of itself for people may be missing.
            let isInformation = symbol == "cuDeviceGetAttribute" && call > 4
            #expect(
              failure != nil || isInformation || symbol.hasPrefix("cublasLt"),
              "call \(call) of \(symbol)")
          } catch {
            #expect(!"\(error)".isEmpty && error is CUDAError)
          }
          tried += 1
        }
      }
    }
    #expect(tried > 60)
  }
}
