import Tensors

/// How a scan runs in chunks of tokens; `scan_chunk.cu` says what the constants mean.
struct ScanChunkPlan {
  /// Tokens of a chunk.
  let tokens = Self.tokens
  let shape: ScanShape
  let grid: LaunchGrid
  let forwardFloats: Int
  let backwardFloats: Int
  private let tile: Int
  private let warps: Int

  var threads: Int { warps * 32 }

  /// The fewest tokens that pay for chunks: a chunk takes the same time for few of them as for many,
  /// and what it saves grows with the state.
  private static let leastLength = 16

  /// Nil where the chunked kernels have not the options, or do not pay: below a matrix of 16 by 16
  /// most of the tensor cores' work is padding, and short sequences are too few tokens to share it.
  init?(_ shape: ScanShape, sharedBytes: Int) {
    let sizes = shape.keyDim >= 16 && shape.valueDim >= 16 && shape.length >= Self.leastLength
    let options = shape.update != .rankOne && shape.decay != .vector && !shape.exclusive
    guard sizes, options else { return nil }
    let widest = ceiling(min(shape.valueDim, 64), 16) * 16
    let keys = ceiling(shape.keyDim, 16) * 16
    let tiles = stride(from: widest, to: 0, by: -16).lazy.map { tile in
      let warps = Self.warps(keys, tile)
      return (tile, Self.floats(shape, keys: keys, tile: tile, warps: warps))
    }
    guard
      let (tile, floats) = tiles.first(where: {
        max($0.1.forward, $0.1.backward) * 4 <= sharedBytes
      })
    else { return nil }
    self.shape = shape
    self.tile = tile
    warps = Self.warps(keys, tile)
    grid = LaunchGrid(shape.batch * shape.heads, ceiling(shape.valueDim, tile))
    (forwardFloats, backwardFloats) = (floats.forward, floats.backward)
  }

  private static let tokens = 32

  /// The file of a pass, and its kernel.
  func name(_ pass: ScanPlan.Pass) -> String {
    pass == .forward ? "scan_chunk_forward" : "scan_chunk_backward"
  }

  func program(_ pass: ScanPlan.Pass, aligned: Bool) -> KernelProgram {
    let isWide = aligned && shape.keyDim % 4 == 0 && shape.valueDim % 4 == 0
    return KernelProgram(
      name(pass),
      [
        "KEY_DIM": shape.keyDim, "VALUE_DIM": shape.valueDim, "DECAY": Int(shape.decay.rawValue),
        "UPDATE": Int(shape.update.rawValue), "TOKENS": tokens, "VALUE_TILE": tile,
        "WARPS": warps, "WIDE": isWide ? 1 : 0,
      ])
  }

  /// Enough warps that each has some tiles of 16 by 8 in the product with the state.
  private static func warps(_ keys: Int, _ tile: Int) -> Int { keys * tile >= 64 * 48 ? 8 : 4 }

  /// Shared memory of the passes: the sizes of `Frame` in their files.
  private static func floats(
    _ shape: ScanShape, keys: Int, tile: Int, warps: Int
  ) -> (forward: Int, backward: Int) {
    let isDelta = shape.update == .delta
    let state = keys * (tile + 4)
    let (keyRows, valueRows) = (tokens * (keys + 4), tokens * (tile + 4))
    let pairs = tokens * (tokens + 4)
    let decays = shape.decay == .none ? 0 : pairs + 2 * tokens
    let decaySums =
      shape.decay == .none ? 0 : 2 * keyTiles(keys, warps) * tokens + tokens + 32
    let forward =
      state + keyRows + (isDelta ? max(keyRows, valueRows) : keyRows) + valueRows + pairs + decays
      + (isDelta ? pairs + tokens : 0)
    let backward =
      2 * state + 2 * keyRows + 3 * valueRows + 2 * pairs + decays + decaySums
      + (isDelta ? valueRows + 2 * pairs + tokens : 0)
    return (forward, backward)
  }

  /// The tiles across a chunk's keys, as `tile_columns` cuts them.
  private static func keyTiles(_ keys: Int, _ warps: Int) -> Int {
    let eights = keys / 8
    let count =
      [8, 4, 2].first { eights % $0 == 0 && tokens / 16 * (eights / $0) >= warps } ?? 1
    return eights / count
  }
}
