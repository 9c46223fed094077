import Tensors

/// How a scan with decays of vectors runs in chunks of tokens; `scan_vector.cu` and what is built on
/// it say what the constants mean.
struct ScanVectorPlan {
  let shape: ScanShape
  let grid: LaunchGrid
  /// Dynamic shared memory of the passes.
  let forwardFloats: Int
  let backwardFloats: Int
  private let keys: Int
  private let tile: Int

  /// Tokens of a chunk.
  private static let tokens = 16
  /// The fewest tokens that pay for chunks.
  private static let leastLength = 32

  /// Nil where the kernels have not the options, or do not pay: their lanes go through the keys, of
  /// which few would leave most idle; the state stays in registers, which are too few for many keys;
  /// and short sequences are too few tokens to share the work.
  init?(_ shape: ScanShape, sharedBytes: Int) {
    let sizes =
      (16...128).contains(shape.keyDim) && shape.valueDim >= 16
      && shape.length >= Self.leastLength
    guard sizes, shape.decay == .vector, shape.update == .add, !shape.exclusive else { return nil }
    let keys = ceiling(shape.keyDim, 16) * 16
    let widest = ceiling(min(shape.valueDim, 128), 16) * 16
    let tiles = stride(from: widest, to: 0, by: -16).lazy.map { tile in
      (tile, Self.floats(keys, tile, rooms: 1), Self.floats(keys, tile, rooms: 3))
    }
    guard
      let (tile, forward, backward) = tiles.first(where: { max($0.1, $0.2) * 4 <= sharedBytes })
    else { return nil }
    (self.shape, self.keys, self.tile) = (shape, keys, tile)
    (forwardFloats, backwardFloats) = (forward, backward)
    grid = LaunchGrid(shape.batch * shape.heads, ceiling(shape.valueDim, tile))
  }

  /// A warp has 16 columns of the state.
  var threads: Int { 2 * tile }

  /// The floats of all kept states.
  var keptCount: Int { grid.x * grid.y * ceiling(shape.length, Self.tokens) * stateCount }
  /// What the blocks of the backward pass leave themselves.
  var scratchCount: Int {
    grid.x * grid.y * (Self.round(keys, tile) * stateCount + keys * tile)
  }
  /// The floats of a block's part of a kept state: `scan_vector_states.cuh` says how they lie.
  private var stateCount: Int { keys * tile / 2 + ceiling(tile / 16, 4) * 4 }

  /// The file of a pass, and its kernel.
  func name(_ pass: ScanPlan.Pass) -> String {
    pass == .forward ? "scan_vector_forward" : "scan_vector_backward"
  }

  func program(_ pass: ScanPlan.Pass, aligned: Bool) -> KernelProgram {
    let isWide = aligned && shape.keyDim % 4 == 0 && shape.valueDim % 4 == 0
    return KernelProgram(
      name(pass),
      [
        // The parts that the kernels share with those for other decays are to know none.
        "KEY_DIM": shape.keyDim, "VALUE_DIM": shape.valueDim,
        "DECAY": Int(ScanShape.Decay.none.rawValue), "UPDATE": Int(shape.update.rawValue),
        "TOKENS": Self.tokens, "VALUE_TILE": tile, "WARPS": tile / 16, "BACKWARD": pass.rawValue,
        "WIDE": isWide ? 1 : 0,
      ])
  }

  /// Chunks that are prepared at a time, a warp for each 32 keys.
  private static func round(_ keys: Int, _ tile: Int) -> Int {
    max(1, tile / 16 / ceiling(keys, 32))
  }

  /// Prepared chunks, and each warp's rooms for its part of a chunk.
  private static func floats(_ keys: Int, _ tile: Int, rooms: Int) -> Int {
    let reads = tokens * (keys + 4), writes = keys * (tokens + 4)
    let pairs = tokens * (tokens + 4) * ceiling(keys, 32)
    return round(keys, tile) * (reads + writes + pairs + keys) + tile / 16 * rooms * tokens * 36
  }
}
