package import Tensors

extension CUDABackend: AttentionKernels {
  package func attention(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, into o: Tensor,
    logSum: Tensor
  ) {
    let tiles = AttentionTiles(shape, sharedBytes: device.sharedBytesPerBlock)
    let tensors: [any KernelArgument] = [q, k, v, slopes, o, logSum]
    announce(2 * shape.pairs * Double(shape.dim + shape.valueDim))
    guard let shared = tiles.forwardBytes else {
      launch(
        plainAttention, "attention_plain",
        grid: LaunchGrid(shape.batch * shape.heads * shape.queries), block: 128,
        arguments: tensors + shape.columns + shape.arguments)
      return
    }
    let blocks = tiles.count(shape.queries, of: 64) * shape.heads * shape.batch
    launch(
      tiles.program("attention", vectorsIn: [q, k, v, o]), "attention", grid: LaunchGrid(blocks),
      block: 128, shared: shared, arguments: tensors + shape.arguments)
  }

  package func attentionBackward(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, o: Tensor,
    logSum: Tensor, dO: Tensor, dq: Tensor, dk: Tensor, dv: Tensor
  ) {
    let deltas = empty([shape.batch, shape.heads, shape.queries])
    let tensors: [any KernelArgument] = [q, k, v, slopes, o, logSum, dO, deltas]
    let tiles = AttentionTiles(shape, sharedBytes: device.sharedBytesPerBlock)
    guard let (tile, shared) = tiles.backward else {
      launch(
        plainAttention, "attention_plain_backward_queries",
        grid: LaunchGrid(shape.batch * shape.heads * shape.queries), block: 128,
        arguments: tensors + [dq] + shape.columns + shape.arguments)
      launch(
        plainAttention, "attention_plain_backward_keys",
        grid: LaunchGrid(shape.batch * shape.keyHeads * shape.keys), block: 128,
        arguments: tensors + [dk, dv] + shape.columns + shape.arguments)
      return
    }
    let program = tiles.program(
      "attention_backward", tile: tile, vectorsIn: [q, k, v, o, dO, dq, dk, dv])
    let sequences = shape.batch * shape.keyHeads
    let keyTiles = tiles.count(shape.keys, of: tile)
    guard keyTiles > 1, !fillsDevice(sequences) else {
      announce(2 * shape.pairs * Double(3 * shape.dim + 2 * shape.valueDim))
      launch(
        program, "attention_backward_keys", grid: LaunchGrid(sequences), block: 256,
        shared: shared, arguments: tensors + [dq, dk, dv, keyTiles] + shape.arguments)
      return
    }
    // Scores and the gradients of them are made by both kernels.
    let queryTiles = tiles.count(shape.queries, of: tile)
    announce(2 * shape.pairs * Double(2 * shape.dim + shape.valueDim))
    launch(
      program, "attention_backward_queries",
      grid: LaunchGrid(queryTiles * shape.heads * shape.batch), block: 256, shared: shared,
      arguments: tensors + [dq] + shape.arguments)
    let noGradient: Tensor? = nil
    announce(2 * shape.pairs * Double(2 * shape.dim + 2 * shape.valueDim))
    launch(
      program, "attention_backward_keys", grid: LaunchGrid(sequences * keyTiles), block: 256,
      shared: shared, arguments: tensors + [noGradient, dk, dv, 1] + shape.arguments)
  }

  /// Whether blocks that have a whole sequence each, and need 5 products for each pair of tiles, are
  /// done before smaller blocks that are always enough but need 7.
  private func fillsDevice(_ sequences: Int) -> Bool {
    let rounds = (sequences + device.multiprocessors - 1) / device.multiprocessors
    return 5 * rounds * device.multiprocessors <= 7 * sequences
  }

  private var plainAttention: KernelProgram { KernelProgram("attention_plain") }
}

extension AttentionShape {
  /// The last parameters of all kernels.
  fileprivate var arguments: [any KernelArgument] {
    [queries, keys, heads, keyHeads, offset, window, scale]
  }
  /// What is a constant of the tiled kernels, but a parameter of the plain ones.
  fileprivate var columns: [any KernelArgument] { [dim, valueDim] }
}

/// What the tiled kernels need of a device; sizes as in `attention_tiles.cuh`.
private struct AttentionTiles {
  private let dim: Int
  private let valueDim: Int
  private let limit: Int

  init(_ shape: AttentionShape, sharedBytes: Int) {
    dim = shape.dim
    valueDim = shape.valueDim
    limit = sharedBytes
  }

  /// Columns with those that pad them; nil where there are too many.
  private static func padded(_ columns: Int) -> Int? {
    [16, 32, 48, 64, 96, 128, 192, 256].first { columns <= $0 }
  }

  /// Columns of queries and values in shared memory, together; nil where there are too many.
  private var columns: Int? {
    guard let keys = Self.padded(dim), let values = Self.padded(valueDim) else { return nil }
    return keys + values + 8
  }

  /// Shared memory of the forward kernel; nil where it does not fit.
  var forwardBytes: Int? {
    guard let columns, let keys = Self.padded(dim) else { return nil }
    let keyTile = columns - 8 <= 64 ? 64 : 32
    let bytes = 4 * (64 * (keys + 4) + keyTile * columns)
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

  func count(_ rows: Int, of tile: Int) -> Int { (rows + tile - 1) / tile }

  /// A program for these columns; 16 bytes at a time where all rows of the tensors allow it.
  func program(_ file: String, tile: Int? = nil, vectorsIn tensors: [Tensor]) -> KernelProgram {
    let vectors =
      dim % 4 == 0 && valueDim % 4 == 0
      && tensors.allSatisfy { UInt(bitPattern: $0.pointer) % 16 == 0 }
    guard let tile else {
      return KernelProgram(
        file, ["DIM": dim, "VALUE_DIM": valueDim, "VECTORS": vectors ? 1 : 0])
    }
    return KernelProgram(
      file, ["DIM": dim, "VALUE_DIM": valueDim, "VECTORS": vectors ? 1 : 0, "TILE": tile])
  }
}
