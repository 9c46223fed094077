import Tensors

/// How a head with a large vocabulary runs whose logits never come to memory.
///
/// Blocks go through tiles of the vocabulary, or of the rows; both are cut into parts so that there
/// are blocks for all multiprocessors, and the parts' sums are added up in a fixed order.
struct StreamedHead {
  /// Rows of a tile.
  private static let tile = 64
  /// The kernel that puts the parts of the vocabulary together has a lane for each.
  private static let mostParts = 32

  /// What comes before and after the passes over tiles, and these.
  let program: KernelProgram
  let rowProgram: KernelProgram
  let weightProgram: KernelProgram
  /// The width as the tensor cores take it.
  let depth: Int
  /// Rows and vocabulary, rounded up to whole blocks.
  let paddedRows: Int
  let paddedVocabulary: Int
  /// Parts of the vocabulary, for the rows' sums; parts of the rows, for the weight's.
  let vocabularyParts: Parts
  let rowParts: Parts
  /// Whether groups of warps make the products.
  private let isGrouped: Bool
  private let blockRows: Int

  /// Tiles in parts of one size, of which the last may be smaller.
  struct Parts {
    var count: Int
    var tiles: Int
  }

  /// nil for rows that are too long for a warp's registers.
  init?(_ call: LossCall, on device: CUDADevice) {
    guard call.width <= 128, call.rows > 0, call.rows < 1 << 24, call.vocabulary < 1 << 24 else {
      return nil
    }
    isGrouped = device.hasGroups
    let step = isGrouped ? 64 : 16
    depth = (call.width + step - 1) / step * step
    // Without groups a warp has two slabs of 16 rows, or one where registers do not hold more.
    blockRows = isGrouped ? 128 : depth <= 64 ? 128 : 64
    paddedRows = quotient(call.rows, roundedUpBy: blockRows) * blockRows
    paddedVocabulary = quotient(call.vocabulary, roundedUpBy: blockRows) * blockRows
    let tensors = [call.hidden, call.weight, call.dhidden].compactMap { $0 }
    let vector = call.width % 4 == 0 && tensors.allSatisfy { $0.isAligned } ? 4 : 1
    let swizzled = isGrouped ? 1 : 0
    program = KernelProgram(
      "streamed_head", ["DEPTH": depth, "SWIZZLED": swizzled, "VECTOR": vector])
    (rowProgram, weightProgram) = (
      KernelProgram(
        isGrouped ? "grouped_head" : "streamed_head_rows",
        ["DEPTH": depth, "SWIZZLED": swizzled]),
      KernelProgram(
        isGrouped ? "grouped_head" : "streamed_head_weights",
        ["DEPTH": depth, "SWIZZLED": swizzled])
    )
    // The registers hold one block of two groups, or two of warps.
    let resident = device.multiprocessors * (isGrouped ? 1 : 2)
    vocabularyParts = Self.parts(
      tiles: quotient(call.vocabulary, roundedUpBy: Self.tile),
      blocks: paddedRows / blockRows, resident: resident)
    rowParts = Self.parts(
      tiles: paddedRows / Self.tile, blocks: paddedVocabulary / blockRows, resident: resident,
      sums: 4)
  }

  /// The parts with which a grid of `blocks` for each part is done first, where a kernel that adds up
  /// more than one of them takes as long as `sums` tiles.
  private static func parts(tiles: Int, blocks: Int, resident: Int, sums: Int = 0) -> Parts {
    var chosen = Parts(count: 1, tiles: tiles)
    var least = Int.max
    for count in 1...min(tiles, mostParts) {
      let size = quotient(tiles, roundedUpBy: count)
      // A part costs its first tile's wait and its share in the sums beside its tiles.
      let time =
        quotient(blocks * quotient(tiles, roundedUpBy: size), roundedUpBy: resident)
        * (size + 2) + (count > 1 ? sums : 0)
      if time < least {
        least = time
        chosen = Parts(count: quotient(tiles, roundedUpBy: size), tiles: size)
      }
    }
    return chosen
  }

  var threads: Int { isGrouped ? 256 : 128 }
  /// Shared memory of the kernels: tiles, with three numbers for each row where `levels`; and for
  /// groups barriers, and what it takes to start at a multiple of 1024.
  func shared(levels: Bool) -> Int {
    let numbers = levels ? Self.tile * 12 : 0
    return isGrouped
      ? 8 * (Self.tile * depth * 2 + numbers + 16) + 1024
      : 3 * (Self.tile * (depth + 8) * 2 + numbers)
  }
  var rowGrid: LaunchGrid { LaunchGrid(paddedRows / blockRows, vocabularyParts.count) }
  var weightGrid: LaunchGrid { LaunchGrid(paddedVocabulary / blockRows, rowParts.count) }
}

extension CUDABackend {
  func streamedLoss(_ call: LossCall, _ head: StreamedHead) {
    let (rows, vocabulary, width) = (call.rows, call.vocabulary, call.width)
    // Two halves to a float.
    let hidden = empty([head.paddedRows, head.depth / 2])
    let weight = empty([head.paddedVocabulary, head.depth / 2])
    launch(
      head.program, "to_halves", grid: blocks(for: (hidden.count + weight.count) / 4),
      block: 256,
      rows, head.paddedRows, vocabulary, head.paddedVocabulary, Int32(width), call.hidden,
      call.weight, hidden, weight)
    let parts = head.vocabularyParts
    let right = empty([rows])
    let stats = empty([parts.count, 4, rows])
    let partial = call.dhidden.map { _ in empty([parts.count, rows, width]) }
    let logits = Double(rows * vocabulary * width)
    announce((partial == nil ? 2 : 4) * logits)
    launch(
      head.rowProgram, "head_rows", grid: head.rowGrid, block: head.threads,
      shared: head.shared(levels: false), rows, Int32(vocabulary), Int32(width),
      Int32(parts.tiles), hidden, weight, call.bias, call.target, right, stats, partial)
    let levels = empty([3, head.paddedRows])
    launch(
      head.program, "join_head", grid: LaunchGrid(quotient(head.paddedRows, roundedUpBy: 8)),
      block: 256, rows, head.paddedRows, Int32(width), Int32(parts.count), call.weight,
      call.target, call.scale, right, stats, partial, call.loss, call.best, call.dhidden, levels)
    streamedWeights(call, head, hidden, weight, levels)
  }

  /// The gradients of the weight and of the bias, from `levels`, what the pass over rows found.
  ///
  /// Where blocks share rows of the weight, the last of them adds up the sums of all.
  private func streamedWeights(
    _ call: LossCall, _ head: StreamedHead, _ hidden: Tensor, _ weight: Tensor, _ levels: Tensor
  ) {
    let sums = (call.dweight?.count ?? 0) + (call.dbias?.count ?? 0)
    guard sums > 0 else { return }
    let parts = head.rowParts
    let partial = parts.count > 1 ? empty([parts.count, quotient(sums, roundedUpBy: 4) * 4]) : nil
    let arrived = partial.map { _ in counters(head.weightGrid.x) }
    announce(4 * Double(call.rows * call.vocabulary * call.width))
    launch(
      head.weightProgram, "head_weights", grid: head.weightGrid, block: head.threads,
      shared: head.shared(levels: true), head.paddedRows, Int32(call.vocabulary),
      Int32(call.width), Int32(parts.tiles), hidden, weight, call.bias, levels, call.scale,
      call.dweight, call.dbias, partial, arrived)
  }
}
