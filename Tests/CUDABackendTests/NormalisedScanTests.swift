import Autograd
import CUDABackend
import Tensors
import Testing

/// How a memory with a normaliser runs, on a machine with 132 multiprocessors.
@Suite struct NormalisedScanTests {
  /// The launches of both ways, but for fills.
  private static func launches(length: Int, dim: Int) throws -> [Launch] {
    var launches: [Launch] = []
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let (rows, heads) = ([3, length, 2], 2)
      let shape = ScanShape(
        batch: 3, length: length, heads: heads, keyHeads: heads, keyDim: dim, valueDim: dim,
        decay: .scalar, update: .add, exclusive: false, scale: 1)
      func vectors() -> Tensor { backend.empty(rows + [dim]) }
      func numbers() -> Tensor { backend.empty(rows) }
      let scan = NormalisedScan(
        shape: shape, epsilon: 1e-6, q: vectors(), k: vectors(), v: vectors(), decay: numbers(),
        strength: numbers(), stabiliser: numbers())
      guard backend.fuses(scan) else { return }
      let kept = backend.normalisedScan(scan, into: vectors(), factor: numbers(), keeps: true)
      backend.normalisedScanBackward(
        scan, kept: try #require(kept), dO: vectors(), dFactor: numbers(),
        into: NormalisedScanGradients(
          q: vectors(), k: vectors(), v: vectors(), decay: numbers(), strength: numbers()))
      backend.synchronize()
      #expect(backend.failure == nil)
      launches = machine.launches
    }
    return launches
  }

  /// Sequences of one chunk need no memory for a state.
  @Test func shortSequencesHaveNoState() throws {
    let short = try Self.launches(length: 32, dim: 64)
    let long = try Self.launches(length: 33, dim: 64)
    for launches in [short, long] {
      #expect(launches.map(\.name) == ["scan_halves_forward", "scan_halves_backward"])
      #expect(launches.allSatisfy { $0.grid == [6, 1, 1] && $0.block == 128 })
    }
    // Of a state of 64 by 64 one copy on the way there, two on the way back, in rows of 72 halves.
    let state = 64 * 72 * 2
    #expect(long[0].shared - short[0].shared == state)
    #expect(long[1].shared - short[1].shared == 2 * state)
  }

  /// Where a chunk does not pay, the normaliser has a pass of its own.
  @Test(arguments: [(2, 64), (11, 16), (40, 6), (40, 256)])
  func someAreNotFused(length: Int, dim: Int) throws {
    #expect(try Self.launches(length: length, dim: dim).isEmpty)
  }
}
