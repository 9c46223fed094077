import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// Sums over the blocks of kernels go together, and none of them too late.
@Suite struct LateSumsTests {
  /// The gradient of a norm's weight, which is the sum of parts.
  private func normBackward(_ backend: CUDABackend, _ dweight: Tensor) {
    let (rows, columns) = (512, dweight.count)
    let x = backend.zeros([rows, columns])
    backend.rmsNormBackward(
      x: x, weight: nil, scale: backend.zeros([rows]), dy: x, dx: backend.empty([rows, columns]),
      accumulate: false, dweight: dweight)
  }

  private func names(_ machine: FakeMachine) -> [String] { machine.launches.map(\.name) }

  @Test func oneKernelMakesAllGradients() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let gradients = backend.zeros([64])
      normBackward(backend, gradients.prefixRows(0, 32))
      normBackward(backend, Tensor(storage: gradients.storage, offset: 32, shape: [32]))
      #expect(names(machine) == ["rms_norm_backward", "rms_norm_backward"])
      _ = backend.values(gradients)
      #expect(names(machine).dropFirst(2) == ["late_sums"])
      // A block for each: eight rows of parts leave it 128 columns.
      #expect(machine.launches[2].grid[0] == 2)
      _ = backend.values(gradients)
      #expect(machine.launches.count == 3)
    }
  }

  @Test func aGradientIsWholeBeforeItIsUsed() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (gradient, other) = (backend.zeros([32]), backend.zeros([32]))
      normBackward(backend, gradient)
      backend.apply(.exp, other, into: other)
      #expect(names(machine) == ["rms_norm_backward", "unary"])
      backend.apply(.exp, gradient, into: other)
      #expect(names(machine).dropFirst(2) == ["late_sums", "unary"])
      // A second sum for the same gradient must not be under way with the first.
      normBackward(backend, gradient)
      normBackward(backend, gradient)
      #expect(
        names(machine).dropFirst(4) == ["rms_norm_backward", "rms_norm_backward", "late_sums"])
      backend.fill(gradient, with: 0)
      #expect(names(machine).last == "late_sums" && machine.launches.count == 8)
    }
  }

  @Test func aCapturedStepKeepsNothingBack() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let gradient = backend.zeros([32])
      backend.rehearse { normBackward(backend, gradient) }
      #expect(names(machine) == ["rms_norm_backward", "late_sums"])
      let step = try #require(backend.capture { normBackward(backend, gradient) })
      step.replay()
      backend.synchronize()
      #expect(names(machine).suffix(2) == ["rms_norm_backward", "late_sums"])
    }
  }

  /// What waits is of the time before the step.
  @Test func aStepIsReplayedAfterWhatWaits() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let gradient = backend.zeros([32])
      let body = { backend.apply(.exp, gradient, into: gradient) }
      backend.rehearse(body)
      let step = try #require(backend.capture(body))
      var order: [String] = []
      machine.onLaunch { order.append($0.name) }
      normBackward(backend, gradient)
      step.replay()
      backend.synchronize()
      #expect(order.suffix(3) == ["rms_norm_backward", "late_sums", "unary"])
    }
  }

  /// Nor where both are of one kernel: blocks of theirs would add to the same numbers at once.
  @Test func noTwoSumsOfAKernelAreOfOneGradient() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (both, x) = (backend.zeros([32]), backend.zeros([512, 32]))
      backend.layerNormBackward(
        x: x, weight: nil, mean: backend.zeros([512]), scale: backend.zeros([512]), dy: x, dx: nil,
        accumulate: false, dweight: both, dbias: both)
      backend.synchronize()
      #expect(names(machine) == ["layer_norm_backward", "late_sums", "late_sums"])
    }
  }

  @Test func aTableHoldsOnlySoMany() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let gradients = (0..<81).map { _ in backend.zeros([4]) }
      for gradient in gradients { normBackward(backend, gradient) }
      #expect(names(machine).filter { $0 == "late_sums" }.count == 1)
      backend.synchronize()
      #expect(names(machine).filter { $0 == "late_sums" }.count == 2)
    }
  }
}
