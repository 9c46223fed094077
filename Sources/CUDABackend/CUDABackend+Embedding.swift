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
    // Of a few rows, each has threads of its own; of many, a thread has some under way.
    let perThread = min(4, max(1, rows / (device.multiprocessors * threads.rowsPerBlock)))
    launch(
      KernelProgram("embedding", ["VECTOR": threads.vector]), "gather_rows",
      grid: rowGrid(rows, perBlock: perThread * threads.rowsPerBlock), block: RowThreads.blockSize,
      rows, columns, threads.logLanes, index, table, other, added, added?.rows ?? 1, y)
  }

  package func scatterAddRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    guard index.count > 0, dtable.rows > 0 else { return }
    if dtable.rows <= Self.fewNumbers {
      scatterFew(dy, at: index, to: dtable)
    } else {
      scatterSorted(dy, at: index, to: dtable)
    }
  }

  package func scatterAddDistinctRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    let (rows, columns) = (index.count, dtable.columns)
    let threads = RowThreads(columns: columns, most: 256, dy, dtable)
    launch(
      KernelProgram("embedding", ["VECTOR": threads.vector]), "add_distinct_rows",
      grid: rowGrid(rows, perBlock: threads.rowsPerBlock), block: RowThreads.blockSize, rows,
      columns, threads.logLanes, index, dy, dtable)
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
      KernelProgram("scatter", ["VECTOR": 1, "LANES": lanes]), "sum_few",
      grid: LaunchGrid(strips, tiles), block: RowThreads.blockSize,
      shared: RowThreads.blockSize * numbers * 4, rows, columns, strip, Int32(numbers), index, dy,
      partial)
    addPartials(partial, strips: strips, to: dtable)
  }

  private func scatterSorted(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    let (rows, numbers, columns) = (index.count, dtable.rows, dtable.columns)
    let threads = RowThreads(columns: columns, dy)
    let program = KernelProgram("scatter", ["VECTOR": threads.vector, "LANES": threads.lanes])
    // The sizes below are those of the kernels: sorted rows of a piece, pieces of a block that
    // joins, warps of a block that sorts and the pairs in the list of each.
    let (piece, joined, sortingWarps, listed) = (16, 32, 32, 128)
    let places = emptyIndices([rows, 2])
    let start = emptyIndices([numbers + 1])
    // Every block reads all numbers: enough blocks to spread the sorting, not more.
    let tile = min(512, powerOfTwo(atLeast: quotient(numbers, roundedUpBy: 128)))
    launch(
      program, "order_rows", grid: LaunchGrid(quotient(numbers, roundedUpBy: tile)),
      block: sortingWarps * 32, shared: (listed * 8 + tile * 4 + 4) * sortingWarps, rows, numbers,
      Int32(tile), index, places, start)
    let pieces = quotient(rows, roundedUpBy: piece)
    let partial = empty([pieces, 2, columns])
    launch(
      program, "sum_pieces",
      grid: LaunchGrid(
        quotient(pieces, roundedUpBy: threads.rowsPerBlock),
        quotient(columns, roundedUpBy: threads.columnsAtOnce)),
      block: RowThreads.blockSize, columns, numbers, start, places, dy, dtable, partial)
    launch(
      program, "join_pieces",
      grid: LaunchGrid(
        quotient(pieces, roundedUpBy: joined), quotient(columns, roundedUpBy: 32 * threads.vector)),
      block: joined * 32, columns, numbers, start, places, partial, dtable)
  }
}
