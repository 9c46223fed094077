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
  private let hasFewBlocks: (forward: Bool, backward: Bool)
  /// Whether the backward pass fetches a chunk while it works on the one after it.
  private let fetchesAhead: Bool

  /// Tokens of a chunk.
  private static let tokens = 16
  /// The fewest tokens that pay for chunks.
  private static let leastLength = 32
  /// The most blocks for each multiprocessor that count as few, so that they get more warps.
  private static let fewBlocks = (forward: 2, backward: 2)
  /// The fewest whose chunks are worth more warps than a block has of strips.
  private static let longLength = 128

  /// Nil where the kernels have not the options, or do not pay: their lanes go through the keys, of
  /// which few would leave most idle; the state before a chunk stays in registers, which are too
  /// few for many keys; and short sequences are too few tokens to share the work.
  ///
  /// - Parameters:
  ///   - shape: The scan.
  ///   - sharedBytes: What a block may have at most.
  ///   - multiprocessors: Of the device. With few blocks for each, those of long sequences get more
  ///     warps.
  init?(_ shape: ScanShape, sharedBytes: Int, multiprocessors: Int) {
    let sizes =
      (16...128).contains(shape.keyDim) && shape.valueDim >= 16
      && shape.length >= Self.leastLength
    guard sizes, shape.decay == .vector, shape.update == .add, !shape.exclusive else { return nil }
    let keys = ceiling(shape.keyDim, 16) * 16
    let widest = ceiling(min(shape.valueDim, 128), 16) * 16
    let tiles = stride(from: widest, to: 0, by: -16)
    guard let tile = tiles.first(where: { Self.floats(keys, $0, few: false) * 4 <= sharedBytes })
    else { return nil }
    let grid = LaunchGrid(shape.batch * shape.heads, ceiling(shape.valueDim, tile))
    let isLong =
      shape.length >= Self.longLength
      && Self.floats(keys, tile, few: true) * 8 <= sharedBytes
    let most = (
      forward: Self.fewBlocks.forward * multiprocessors,
      backward: Self.fewBlocks.backward * multiprocessors
    )
    let blocks = grid.x * grid.y
    hasFewBlocks = (isLong && blocks <= most.forward, isLong && blocks <= most.backward)
    (self.shape, self.keys, self.tile, self.grid) = (shape, keys, tile, grid)
    forwardFloats = Self.forwardFloats(keys, tile, few: hasFewBlocks.forward)
    let few = hasFewBlocks.backward
    // As many blocks as the kernel's registers allow are to have room still; each takes 1 kB more.
    let room =
      (sharedBytes + 1024) / (16 / Self.backwardWarps(keys, tile, few: few)) - 1024
    let ahead = Self.backwardFloats(keys, tile, few: few, ahead: true)
    fetchesAhead = ahead * 4 <= room
    backwardFloats =
      fetchesAhead ? ahead : Self.backwardFloats(keys, tile, few: few, ahead: false)
  }

  func threads(_ pass: ScanPlan.Pass) -> Int { 32 * warps(pass) }

  /// The floats of all kept states: `scan_vector_states.cuh` says how they lie.
  var keptCount: Int {
    grid.x * grid.y * ceiling(shape.length, Self.tokens) * Self.keptState(keys, tile)
  }

  /// The file of a pass, and its kernel.
  func name(_ pass: ScanPlan.Pass) -> String {
    pass == .forward ? "scan_vector_forward" : "scan_vector_backward"
  }

  func program(_ pass: ScanPlan.Pass, aligned: Bool) -> KernelProgram {
    let isWide = aligned && shape.keyDim % 4 == 0 && shape.valueDim % 4 == 0
    return KernelProgram(
      name(pass),
      [
        // For the parts that these kernels share with those for one decay a token: decays of
        // vectors are not theirs.
        "KEY_DIM": shape.keyDim, "VALUE_DIM": shape.valueDim,
        "DECAY": Int(ScanShape.Decay.none.rawValue), "UPDATE": Int(shape.update.rawValue),
        "TOKENS": Self.tokens, "VALUE_TILE": tile, "WARPS": warps(pass), "WIDE": isWide ? 1 : 0,
        "AHEAD": fetchesAhead ? 1 : 0,
      ])
  }

  private func warps(_ pass: ScanPlan.Pass) -> Int {
    pass == .forward
      ? Self.forwardWarps(tile, few: hasFewBlocks.forward)
      : Self.backwardWarps(keys, tile, few: hasFewBlocks.backward)
  }

  /// A warp has 16 columns of the state; those beyond only prepare chunks.
  private static func forwardWarps(_ tile: Int, few: Bool) -> Int {
    few ? max(8, tile / 16) : tile / 16
  }
  /// Enough warps that each has some tiles of 16 by 8 in the product with the state.
  private static func backwardWarps(_ keys: Int, _ tile: Int, few: Bool) -> Int {
    few || keys * tile >= 64 * 48 ? 8 : 4
  }

  private static func floats(_ keys: Int, _ tile: Int, few: Bool) -> Int {
    max(
      forwardFloats(keys, tile, few: few), backwardFloats(keys, tile, few: few, ahead: false))
  }

  /// A prepared chunk, and factors of products, for each warp.
  private static func forwardFloats(_ keys: Int, _ tile: Int, few: Bool) -> Int {
    let chunk = tokens * (keys + 4) + keys * (tokens + 4) + tokens * (tokens + 4) + keys
    return forwardWarps(tile, few: few) * (chunk + tokens * 36)
  }

  /// The size of `Frame`.
  private static func backwardFloats(_ keys: Int, _ tile: Int, few: Bool, ahead: Bool) -> Int {
    let (keyRows, valueRows) = (tokens * (keys + 4), tokens * (tile + 4))
    let pairs = tokens * (tokens + 4)
    let groups = 32 * backwardWarps(keys, tile, few: few) / min(keys, 32)
    let parts = max(1, groups / (2 * ceiling(keys, 32))) * keyRows
    let fetched = max(valueRows, keyRows) + valueRows + 3 * keyRows
    let gradient = keys * (tile + 4)
    let buffers = ahead ? 2 * (gradient + fetched + keptState(keys, tile)) : gradient + fetched
    return buffers + 2 * pairs + 6 * keyRows + 2 * keys + 2 * parts
  }

  /// A kept state: pairs of 16-bit numbers, then a scale for each 16 columns.
  private static func keptState(_ keys: Int, _ tile: Int) -> Int {
    keys * tile / 2 + ceiling(tile / 16, 4) * 4
  }
}
