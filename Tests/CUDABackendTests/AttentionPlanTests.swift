import CUDABackend
import Tensors
import Testing

/// Which kernels attention is made of.
@Suite struct AttentionPlanTests {
  /// The launches of a self-attention and its gradients on a GPU with groups of warps.
  private static func launches(
    batch: Int, tokens: Int, dim: Int, on machine: FakeMachine
  ) throws -> [Launch] {
    let backend = try machine.backend()
    let rows = [batch, tokens, 1, dim]
    let shape = AttentionShape(
      batch: batch, queries: tokens, keys: tokens, heads: 1, keyHeads: 1, dim: dim, valueDim: dim,
      offset: 0, window: 0, scale: 1)
    let (q, k, v, o) = (
      backend.empty(rows), backend.empty(rows), backend.empty(rows), backend.empty(rows)
    )
    let (dO, dq, dk, dv) = (
      backend.empty(rows), backend.empty(rows), backend.empty(rows), backend.empty(rows)
    )
    let logSum = backend.empty([batch, 1, tokens])
    backend.attention(shape, q: q, k: k, v: v, slopes: nil, into: o, logSum: logSum)
    backend.attentionBackward(
      shape, q: q, k: k, v: v, slopes: nil, o: o, logSum: logSum, dO: dO, dq: dq, dk: dk, dv: dv)
    #expect(backend.failure == nil)
    return machine.launches
  }

  @Test(arguments: [(100, 256), (300, 512), (4, 70)])
  func groupsOfWarpsTakeHeadsOf128Columns(batch: Int, tokens: Int) throws {
    try withMachine { machine in
      let launches = try Self.launches(batch: batch, tokens: tokens, dim: 128, on: machine)
      #expect(launches.map(\.name) == ["grouped_attention", "grouped_attention_backward"])
      let shares = [batch * ((tokens + 255) / 256), batch]
      #expect(launches.map(\.grid) == shares.map { [min($0, 132), 1, 1] })
      #expect(launches.allSatisfy { $0.block == 512 && $0.shared <= 232_448 })
    }
  }

  @Test(arguments: [(100, 256, 64), (2, 1024, 128), (100, 40, 128)])
  func othersDoWhatGroupsWouldBeSlowWith(batch: Int, tokens: Int, dim: Int) throws {
    try withMachine { machine in
      let launches = try Self.launches(batch: batch, tokens: tokens, dim: dim, on: machine)
      #expect(launches.allSatisfy { !$0.name.hasPrefix("grouped") })
    }
  }
}
