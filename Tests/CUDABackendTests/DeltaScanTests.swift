import Autograd
import CUDABackend
import Tensors
import Testing

/// How the scan of the delta rule runs.
@Suite struct DeltaScanTests {
  private static func shape(length: Int, dim: Int, decay: ScanShape.Decay = .none) -> ScanShape {
    ScanShape(
      batch: 3, length: length, heads: 2, keyHeads: 2, keyDim: dim, valueDim: dim, decay: decay,
      update: .delta, exclusive: false, scale: 1)
  }

  /// The launches of both ways, with steps that come as logits.
  private static func launches(length: Int, dim: Int) throws -> [Launch] {
    var launches: [Launch] = []
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      var shape = shape(length: length, dim: dim)
      try #require(backend.takesLogits(shape))
      shape.logits = 2
      func tensors() -> ScanTensors<Tensor?> {
        func vectors() -> Tensor { backend.empty([3, length, 2, dim]) }
        return ScanTensors(
          q: vectors(), k: vectors(), v: vectors(), decay: nil,
          beta: backend.empty([3, length, 2]),
          a: nil, b: nil, bonus: nil, initial: nil)
      }
      let inputs = tensors()
      let o = backend.empty([3, length, 2, dim])
      let kept = backend.empty([backend.scanCheckpointCount(shape)])
      backend.scan(shape, inputs, into: o, final: nil, checkpoints: kept)
      backend.scanBackward(
        shape, inputs, checkpoints: kept, dO: o, dFinal: nil, into: tensors())
      backend.synchronize()
      #expect(backend.failure == nil)
      launches = machine.launches
    }
    return launches
  }

  /// Logits have no kernel of their own, and two warps have all tiles of a small chunk.
  @Test(arguments: [(12, 32, 64), (17, 32, 128), (12, 64, 128)])
  func aBlockForEachHead(length: Int, dim: Int, threads: Int) throws {
    let launches = try Self.launches(length: length, dim: dim)
    #expect(launches.map(\.name) == ["scan_halves_forward", "scan_halves_backward"])
    #expect(launches.allSatisfy { $0.grid == [6, 1, 1] && $0.block == threads })
  }

  /// Other kernels take steps alone.
  @Test func onlyTheseTakeLogits() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      #expect(!backend.takesLogits(Self.shape(length: 2, dim: 32)))
      #expect(!backend.takesLogits(Self.shape(length: 32, dim: 32, decay: .vector)))
      var adding = Self.shape(length: 32, dim: 32)
      adding.update = .add
      #expect(!backend.takesLogits(adding))
    }
  }
}
