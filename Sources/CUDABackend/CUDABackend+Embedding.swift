package import Tensors

extension CUDABackend {
  package func gatherRows(_ table: Tensor, at index: IndexTensor, into y: Tensor) {
    gatherRows(table, at: index, added: nil, into: y)
  }

  package func gatherRows(
    _ table: Tensor, at index: IndexTensor, adding added: Tensor, into y: Tensor
  ) {
    gatherRows(table, at: index, added: added, into: y)
  }

  package func gatherRows(
    ofSum x: Tensor, _ other: Tensor, at index: IndexTensor, into y: Tensor
  ) {
    gatherRows(x, other, at: index, added: nil, into: y)
  }

  private func gatherRows(
    _ table: Tensor, _ other: Tensor? = nil, at index: IndexTensor, added: Tensor?, into y: Tensor
  ) {
    let (rows, columns) = (index.count, table.columns)
    let threads = RowThreads(columns: columns, most: 256, table, other, added, y)
    launch(
      KernelProgram("embedding", ["VECTOR": threads.vector]), "gather_rows",
      grid: gatherGrid(rows, perBlock: threads.rowsPerBlock), block: RowThreads.blockSize, rows,
      columns, threads.logLanes, index, table, other, added, added?.rows ?? 1, y)
  }

  /// Blocks for rows of a table: of a few rows, each has threads of its own; of many, a thread has some
  /// under way.
  func gatherGrid(_ rows: Int, perBlock: Int) -> LaunchGrid {
    let perThread = min(4, max(1, rows / (device.multiprocessors * perBlock)))
    return rowGrid(rows, perBlock: perThread * perBlock)
  }

  package func scatterAddRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    scatterAddRows(dy, at: index, to: dtable, positions: nil)
  }

  package func scatterAddRows(
    _ dy: Tensor, at index: IndexTensor, to dtable: Tensor, positions: Tensor?
  ) {
    guard index.count > 0, dtable.rows > 0 else { return }
    if dtable.rows <= Self.fewNumbers {
      scatterFew(dy, at: index, to: dtable)
    } else if !scatterFewRows(dy, at: index, to: dtable) {
      return scatterSorted(dy, at: index, to: dtable, positions: positions)
    }
    guard let positions else { return }
    let flat = positions.count
    sumRows(dy.reshaped([dy.count / flat, flat]), addedTo: positions.reshaped([flat]))
  }

  package func scatterAddDistinctRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    let (rows, columns) = (index.count, dtable.columns)
    let threads = RowThreads(columns: columns, most: 256, dy, dtable)
    launch(
      KernelProgram("embedding", ["VECTOR": threads.vector]), "add_distinct_rows",
      grid: rowGrid(rows, perBlock: threads.rowsPerBlock), block: RowThreads.blockSize, rows,
      columns, threads.logLanes, index, dy, dtable)
  }

  package func spreadDistinctRows(_ dy: Tensor, at index: IndexTensor, into y: Tensor) {
    let (rows, numbers, columns) = (index.count, y.rows, y.columns)
    // Every block reads all numbers.
    guard rows <= 4096 else {
      fill(y, with: 0)
      return scatterAddDistinctRows(dy, at: index, to: y)
    }
    let threads = RowThreads(columns: columns, most: 256, dy, y)
    // All blocks at once; the kernel's shared memory has room for so many rows of a block.
    let stretch = min(512, max(32, quotient(numbers, roundedUpBy: device.multiprocessors * 8)))
    launch(
      KernelProgram("embedding", ["VECTOR": threads.vector]), "spread_rows",
      grid: LaunchGrid(quotient(numbers, roundedUpBy: stretch)), block: RowThreads.blockSize, rows,
      numbers, columns, stretch, threads.logLanes, index, dy, y)
  }

  /// Numbers whose sums a block keeps in shared memory.
  private static let fewNumbers = 32

  private func scatterFew(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    let (rows, numbers, columns) = (index.count, dtable.rows, dtable.columns)
    let lanes = min(32, powerOfTwo(atLeast: columns))
    let slots = RowThreads.blockSize / lanes
    let tiles = quotient(columns, roundedUpBy: lanes)
    let wanted = min(
      quotient(rows, roundedUpBy: slots * 8),
      max(1, device.multiprocessors * 8 / tiles), max(1, rows / (2 * numbers)))
    let strip = quotient(rows, roundedUpBy: wanted)
    let strips = quotient(rows, roundedUpBy: strip)
    let partial = empty([strips, numbers, columns])
    launch(
      KernelProgram("scatter", ["VECTOR": 1, "LANES": lanes, "WARPS": sortingWarps]), "sum_few",
      grid: LaunchGrid(strips, tiles), block: RowThreads.blockSize,
      shared: RowThreads.blockSize * numbers * 4, rows, columns, strip, Int32(numbers), index, dy,
      partial)
    addPartials(partial, strips: strips, to: dtable)
  }

  /// One kernel for few rows; false where there are more.
  private func scatterFewRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) -> Bool {
    let (rows, numbers, columns) = (index.count, dtable.rows, dtable.columns)
    let threads = RowThreads(columns: columns, dy)
    // The sizes are those of the kernel, which sorts as `sum_rare` does.
    let blocks = max(16, quotient(rows, roundedUpBy: 128))
    let tile = min(512, powerOfTwo(atLeast: quotient(numbers, roundedUpBy: blocks)))
    let numbersHeld = rows + (tile + 1) * sortingWarps + tile + 2 + rows / 32
    let shared = 8 * sortingWarps * listed + 4 * numbersHeld
    guard rows <= 4096, shared <= device.sharedBytesPerBlock else { return false }
    launch(
      KernelProgram(
        "scatter_few",
        ["VECTOR": threads.vector, "LANES": threads.lanes, "WARPS": sortingWarps]),
      "add_few_rows",
      grid: LaunchGrid(
        quotient(numbers, roundedUpBy: tile), quotient(columns, roundedUpBy: threads.columnsAtOnce)),
      block: sortingWarps * 32, shared: shared, rows, columns, Int32(tile), index, dy, dtable)
    return true
  }

  /// Warps of a block that sorts, and the pairs in the list of each.
  private var sortingWarps: Int { 32 }
  private var listed: Int { 128 }

  private func scatterSorted(
    _ dy: Tensor, at index: IndexTensor, to dtable: Tensor, positions: Tensor?
  ) {
    let (rows, numbers, columns) = (index.count, dtable.rows, dtable.columns)
    let threads = RowThreads(columns: columns, dy)
    let program = KernelProgram(
      "scatter", ["VECTOR": threads.vector, "LANES": threads.lanes, "WARPS": sortingWarps])
    // The sizes below are those of the kernels: rows of a rare number, rows of a piece of the others'.
    let (rare, piece) = (64, 256)
    let mostPieces = rows / piece + rows / (rare + 1) + 1
    let places = emptyIndices([rows])
    let pieces = emptyIndices([mostPieces, 4])
    let counts = counters(2 + mostPieces)
    // Every block reads all numbers: enough blocks to spread the sorting, not more.
    let tile = min(512, powerOfTwo(atLeast: quotient(numbers, roundedUpBy: 128)))
    let sorting = quotient(numbers, roundedUpBy: tile)
    let free = max(device.multiprocessors, device.multiprocessors * 2 - sorting)
    launch(
      program, "sum_rare", grid: LaunchGrid(sorting + min(positions?.rows ?? 0, free)),
      block: sortingWarps * 32, shared: (listed * 8 + tile * 4 + 4) * sortingWarps, rows, columns,
      Int32(tile),
      index, dy, places, pieces, counts, dtable, Int32(sorting), positions?.rows ?? 0, positions)
    launch(
      program, "sum_frequent", grid: LaunchGrid(min(mostPieces, device.multiprocessors * 2)),
      block: RowThreads.blockSize, columns, pieces, places, dy, empty([mostPieces, columns]),
      counts, dtable)
  }
}
