import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// Kernels get what their sources ask for.
@Suite struct LaunchTests {
  @Test func argumentsArePackedByType() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (a, b, y) = (backend.zeros([5, 7]), backend.zeros([5, 7]), backend.empty([5, 7]))
      backend.affine(a, scale: -1.5, shift: 0.25, into: y)
      backend.multiply(a, b, into: y, accumulate: true)
      backend.gateBackward(
        .silu, a: a, b: b, dy: y, da: nil, accumulateA: false, db: b, accumulateB: true)
      let launches = machine.launches
      #expect(launches.map(\.name) == ["affine", "multiply", "gate_backward"])
      #expect(
        launches[0].parameters == [
          .long(35), .float(-1.5), .float(0.25), a.parameter, y.parameter,
        ])
      #expect(
        launches[1].parameters == [.long(35), a.parameter, b.parameter, y.parameter, .int(1)])
      #expect(
        launches[2].parameters == [
          .long(35), a.parameter, b.parameter, y.parameter, .pointer(0), .int(0), b.parameter,
          .int(1),
        ])
      #expect(launches.allSatisfy { $0.grid == [1, 1, 1] && $0.block == 256 && $0.shared == 0 })
      #expect(backend.failure == nil)
    }
  }

  @Test func partsOfTensorsBeginWhereTheyBegin() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let whole = backend.zeros([4, 3])
      let part = whole.prefixRows(2, 2)
      backend.add(part, part, into: part)
      let start = whole.parameter.address
      #expect(machine.launches[0].parameters[1] == .pointer(start + 24))
      #expect(machine.launches[0].parameters[0] == .long(6))
    }
  }

  @Test func nothingIsQueuedForNothing() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let none = backend.empty([0, 4])
      backend.add(none, none, into: none)
      backend.apply(.exp, none, into: none)
      backend.multiply(MatrixProduct(m: 0, n: 4, k: 4), none, none, bias: nil, into: none)
      backend.upload(UnsafeBufferPointer<Float>(start: nil, count: 0), to: none)
      #expect(backend.values(none).isEmpty)
      #expect(machine.launches.isEmpty && machine.calls("cublasGemmStridedBatchedEx") == 0)
      #expect(backend.failure == nil)
    }
  }

  @Test func largeGridsStayBelowTheDevicesLimit() throws {
    try withMachine(memory: 2 << 30) { machine in
      let backend = try machine.backend()
      let large = backend.empty([1 << 27])
      backend.apply(.relu, large, into: large)
      #expect(machine.launches[0].grid == [132 * 32, 1, 1])
    }
  }

  @Test func everyFunctionIsAProgramOfItsOwn() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([3])
      for function in Elementwise.allCases + Elementwise.allCases {
        backend.apply(function, x, into: x)
      }
      #expect(machine.live.modules == Elementwise.allCases.count)
      #expect(machine.calls("nvrtcCompileProgram") == Elementwise.allCases.count)
      #expect(machine.launches.count == 2 * Elementwise.allCases.count)
    }
  }

  @Test func optimiserKernelsGetTheStepFromTheDevice() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      for count in [7, 100_000] {
        let before = machine.launches.count
        let arrays = (0..<4).map { _ in backend.zeros([count]) }
        let (norm, step) = (backend.empty([1]), backend.zeros([8]))
        backend.gradientNorm(arrays[1], into: norm)
        backend.adamW(
          step, decayed: count / 2, norm: norm, parameters: arrays[0], gradients: arrays[1],
          first: arrays[2], second: arrays[3], clearing: true)
        let launches = machine.launches.dropFirst(before)
        let names = count < 1000 ? ["norm_of_few"] : ["gradient_norm"]
        #expect(launches.map(\.name) == names + ["adamw"])
        #expect(
          launches.last?.parameters == [.long(count), .long(count / 2), step.parameter]
            + [norm.parameter] + arrays.map(\.parameter) + [.int(1)])
      }
      #expect(backend.failure == nil)
    }
  }
}
