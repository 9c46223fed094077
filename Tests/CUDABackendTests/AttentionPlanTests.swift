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

  /// The launches of attention with its maps, and of the way back to queries, keys and values; nil where
  /// the device has no kernels for that.
  private static func mappedLaunches(
    batch: Int, tokens: Int, inputs: Int, dim: Int, window: Int, on machine: FakeMachine
  ) throws -> [Launch]? {
    let backend = try machine.backend()
    let rows = [batch, tokens, 1, dim]
    let attention = MappedAttention(
      shape: AttentionShape(
        batch: batch, queries: tokens, keys: tokens, heads: 1, keyHeads: 1, dim: dim,
        valueDim: dim, offset: 0, window: window, scale: 1),
      x: backend.empty([batch, tokens, inputs]),
      weights: (0..<3).map { _ in backend.empty([inputs, dim]) }, slopes: nil)
    guard backend.fusesMappedAttention(attention) else { return nil }
    let (o, logSum) = (backend.empty(rows), backend.empty([batch, 1, tokens]))
    let factors = backend.mappedAttention(attention, into: o, logSum: logSum)
    #expect(factors.map(\.count) == Array(repeating: batch * tokens * dim / 2, count: 3))
    backend.mappedAttentionBackward(
      attention, factors: factors, o: o, logSum: logSum, dO: backend.empty(rows),
      into: (0..<3).map { _ in backend.empty(rows) })
    #expect(backend.failure == nil)
    return machine.launches
  }

  @Test(arguments: [(100, 256, 0), (300, 512, 512), (2, 128, 0)])
  func mapsOfAttentionLeaveHalves(batch: Int, tokens: Int, window: Int) throws {
    try withMachine { machine in
      let launches = try #require(
        try Self.mappedLaunches(
          batch: batch, tokens: tokens, inputs: 128, dim: 128, window: window, on: machine))
      #expect(
        launches.map(\.name) == [
          "linear_outputs", "grouped_attention", "grouped_attention_backward",
        ])
      let shares = [batch * ((tokens + 255) / 256), batch]
      #expect(launches.dropFirst().map(\.grid) == shares.map { [min($0, 132), 1, 1] })
      #expect(launches.dropFirst().allSatisfy { $0.block == 384 })
      #expect(launches.allSatisfy { $0.shared <= 232_448 })
    }
  }

  /// Other columns, parts of blocks of keys, windows, few sequences, and maps of too many inputs.
  @Test(arguments: [
    (100, 256, 128, 64, 0), (100, 192, 128, 128, 0), (100, 256, 128, 128, 100),
    (2, 1024, 128, 128, 0), (100, 256, 256, 128, 0),
  ])
  func otherAttentionHasFloats(
    batch: Int, tokens: Int, inputs: Int, dim: Int, window: Int
  ) throws {
    try withMachine { machine in
      let launches = try Self.mappedLaunches(
        batch: batch, tokens: tokens, inputs: inputs, dim: dim, window: window, on: machine)
      #expect(launches == nil)
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
