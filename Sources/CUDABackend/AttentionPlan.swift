import Tensors

/// Columns with those that pad them in shared memory, as in `attention_tiles.cuh`; nil where there
/// are too many.
private func padded(_ columns: Int) -> Int? {
  [16, 32, 48, 64, 96, 128, 192, 256].first { columns <= $0 }
}

/// How attention with factors of 16 bits runs; sizes as in `attention_halves_tiles.cuh`.
struct HalfAttentionPlan {
  /// Warps of a block, each with 16 queries.
  let warps: Int
  let sharedBytes: Int
  /// Blocks, or parts that one block takes after the other, of a sequence's queries.
  let parts: Int

  var threads: Int { 32 * warps }

  /// The most queries for a block that leave all multiprocessors something to do.
  ///
  /// A tile of keys is read once for all of them. More than 8 warps would have a multiprocessor for
  /// themselves, and nobody would multiply while they read and write.
  static func forward(
    _ shape: AttentionShape, sharedBytes limit: Int, multiprocessors: Int
  ) -> HalfAttentionPlan? {
    best(shape, limit) { warps, columns in
      guard warps <= 8 else { return nil }
      let blocks = shape.batch * shape.heads * ceiling(shape.queries, 16 * warps)
      guard warps == 4 || blocks >= 2 * multiprocessors else { return nil }
      return 2 * (16 * warps * columns.dim + 2 * 32 * columns.both)
    }
  }

  /// A block has all queries of a sequence, in few parts: keys and values are read, and their
  /// gradients added to, in each.
  static func backward(_ shape: AttentionShape, sharedBytes limit: Int) -> HalfAttentionPlan? {
    best(shape, limit) { warps, columns in
      2 * ((16 * warps + 32) * columns.both + 2 * 16 * warps * (32 + 8)) + 12 * 16 * warps + 16
    }
  }

  /// The most warps, but no more than there are queries for, whose shared memory, as `bytes` says
  /// (nil: not these), fits; nil where columns are too many.
  private static func best(
    _ shape: AttentionShape, _ limit: Int,
    bytes: (_ warps: Int, _ columns: (dim: Int, both: Int)) -> Int?
  ) -> HalfAttentionPlan? {
    guard let dim = padded(shape.dim), let valueDim = padded(shape.valueDim),
      dim <= 128, valueDim <= 128
    else { return nil }
    for warps in [16, 8, 4] where warps == 4 || 8 * warps < shape.queries {
      guard let bytes = bytes(warps, (dim + 8, dim + valueDim + 16)), bytes <= limit else {
        continue
      }
      return HalfAttentionPlan(
        warps: warps, sharedBytes: bytes, parts: ceiling(shape.queries, 16 * warps))
    }
    return nil
  }
}

/// How attention runs where groups of warps make the products.
///
/// That is for heads of 128 columns on compute capability 9.0. Sizes are those of
/// `grouped_attention.cu` and `attention_group_gradients.cuh`.
struct GroupedAttentionPlan {
  let sharedBytes: Int
  /// Blocks, each of which has a multiprocessor and takes one share of the work after the other.
  let blocks: Int
  /// Whether queries, keys and values are halves.
  let halves: Bool

  /// Those that multiply, and half as many or as many to bring rows.
  var threads: Int { halves ? 384 : 512 }
  static let dim = 128

  /// 256 queries at a time, and two tiles of 64 keys with their values; five where they are halves.
  static func forward(
    _ shape: AttentionShape, halves: Bool = false, on device: CUDADevice
  ) -> GroupedAttentionPlan? {
    let (tiles, others) = halves ? (5, 8 * 6) : (2, 4 * 8 * 6 * (2 * 2 * dim))
    return GroupedAttentionPlan(
      shape, shares: shape.batch * shape.heads * ceiling(shape.queries, 256),
      bytes: 2 * dim * (256 + tiles * 2 * 64) + others, halves, on: device)
  }

  /// 128 keys with their values, two tiles of 64 queries with the gradients of their outputs, the
  /// gradients of scores, and what else is known of queries.
  static func backward(
    _ shape: AttentionShape, halves: Bool = false, on device: CUDADevice
  ) -> GroupedAttentionPlan? {
    let ring = halves ? 4 * 4 * 4 * (2 * dim + 2) : 8 * 3 * (2 * 3 * dim + 4)
    let numbers = 2 * (3 * 64 + 2 * (halves ? 4 : 8)) + 8 + (halves ? 8 : 0) + 1024
    return GroupedAttentionPlan(
      shape, shares: shape.batch * shape.keyHeads,
      bytes: 2 * (dim * (2 * 128 + 2 * 2 * 64) + 128 * 64) + 4 * (ring + numbers), halves,
      on: device)
  }

  /// The program of a file, for tensors whose rows begin at multiples of 16 bytes.
  func program(_ file: String) -> KernelProgram {
    KernelProgram(
      file,
      ["DIM": Self.dim, "VALUE_DIM": Self.dim, "VECTORS": 1, "HALVES": halves ? 1 : 0])
  }

  /// nil where this cannot be, or other kernels have far more multiprocessors at work.
  private init?(
    _ shape: AttentionShape, shares: Int, bytes: Int, _ halves: Bool, on device: CUDADevice
  ) {
    self.halves = halves
    // Tiles begin at a multiple of 1024.
    sharedBytes = bytes + 1024
    blocks = min(shares, device.multiprocessors)
    let others = shape.batch * shape.heads * ceiling(shape.queries, 64)
    guard device.hasGroups, shape.dim == Self.dim, shape.valueDim == Self.dim,
      sharedBytes <= device.sharedBytesPerBlock, shape.queries > 64,
      2 * shares >= min(device.multiprocessors, others)
    else { return nil }
  }
}

/// What the kernels with factors of 32 bits need of a device; sizes as in `attention_tiles.cuh`.
struct AttentionTiles {
  private let columns: Int?
  private let dim: Int?
  private let limit: Int

  init(_ shape: AttentionShape, sharedBytes: Int) {
    dim = padded(shape.dim)
    limit = sharedBytes
    // Columns of queries and values in shared memory, together.
    if let dim, let values = padded(shape.valueDim) {
      columns = dim + values + 8
    } else {
      columns = nil
    }
  }

  /// Shared memory of the forward kernel; nil where it does not fit.
  var forwardBytes: Int? {
    guard let columns, let dim else { return nil }
    let keyTile = columns - 8 <= 64 ? 64 : 32
    let bytes = 4 * (64 * (dim + 4) + keyTile * columns)
    return bytes <= limit ? bytes : nil
  }

  /// The largest tiles that fit for the backward kernels, and their shared memory.
  var backward: (tile: Int, bytes: Int)? {
    guard let columns else { return nil }
    for tile in [64, 32] {
      let bytes = 4 * (2 * tile * columns + 2 * tile * tile + 2 * tile)
      if bytes <= limit { return (tile, bytes) }
    }
    return nil
  }

  func count(_ rows: Int, of tile: Int) -> Int { ceiling(rows, tile) }
}
