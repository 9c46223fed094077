package import Tensors

/// Sums over rows: first over strips of rows, then over the strips, in a fixed order.
extension CUDABackend {
  package func sumRows(_ dy: Tensor, addedTo dv: Tensor) {
    sumColumns(dy, addedTo: dv)
  }

  package func sumRowsProduct(_ dy: Tensor, _ x: Tensor, addedTo dv: Tensor) {
    sumColumns(dy, times: x, addedTo: dv)
  }

  /// dv += column sums of dy, of dy x, or of dy (x - mean) scale.
  func sumColumns(
    _ dy: Tensor, times x: Tensor? = nil, mean: Tensor? = nil, scale: Tensor? = nil,
    addedTo dv: Tensor
  ) {
    let (rows, columns) = (dy.rows, dy.columns)
    let threads = RowThreads(columns: columns, dy, x)
    let tiles = quotient(columns, roundedUpBy: threads.columnsAtOnce)
    let strips = stripCount(rows, tiles: tiles, perBlock: threads.rowsPerBlock)
    let strip = quotient(rows, roundedUpBy: strips)
    let partial = strips > 1 ? empty([strips, columns]) : dv
    launch(
      KernelProgram("sums", ["VECTOR": threads.vector]), "sum_columns",
      grid: LaunchGrid(tiles, strips), block: RowThreads.blockSize, rows, columns, strip,
      threads.logLanes, dy, x, mean, scale, partial, strips == 1)
    if strips > 1 { addPartials(partial, strips: strips, to: dv) }
  }

  /// One strip where a second kernel would cost more than it gains.
  private func stripCount(_ rows: Int, tiles: Int, perBlock: Int) -> Int {
    guard rows > perBlock * 32 else { return 1 }
    let filling = max(1, device.multiprocessors * 4 / tiles)
    return min(quotient(rows, roundedUpBy: perBlock * 8), filling, 65535)
  }

  /// Adds the sums over the first axis of [strips, …] to one tensor, or to two that lie one after
  /// the other in each strip.
  func addPartials(
    _ partial: Tensor, strips: Int, to first: Tensor?, and second: Tensor? = nil
  ) {
    let (firstCount, secondCount) = (first?.count ?? 0, second?.count ?? 0)
    let count = firstCount + secondCount
    let sums = [first, second].compactMap { $0 }.map { PartSum(to: $0, accumulate: true) }
    if sumLater(partial.reshaped([strips, count]), to: sums) { return }
    let vector = count % 4 == 0 && partial.isAligned ? 4 : 1
    // Two blocks for each multiprocessor where there are columns enough, down to 32 bytes of a row;
    // and no more slots of threads than strips.
    let shared = quotient(count, roundedUpBy: vector * device.multiprocessors * 2)
    let lanes = min(
      RowThreads.blockSize,
      max(
        8 / vector, powerOfTwo(atLeast: shared),
        RowThreads.blockSize / powerOfTwo(atLeast: strips)))
    launch(
      KernelProgram("sums", ["VECTOR": vector]), "add_partials",
      grid: LaunchGrid(quotient(count, roundedUpBy: lanes * vector)), block: RowThreads.blockSize,
      strips, firstCount, secondCount, Int32(lanes.trailingZeroBitCount), partial, first, second)
  }
}

/// A gradient of a parameter that is the sum of parts, which the blocks of a kernel left.
struct PartSum {
  let target: Tensor
  let accumulate: Bool

  init(to target: Tensor, accumulate: Bool) {
    self.target = target
    self.accumulate = accumulate
  }
}

extension [PartSum] {
  /// As many as a kernel takes at once.
  static var most: Int { 8 }
  /// The numbers of all.
  var total: Int { reduce(0) { $0 + $1.target.count } }
}

extension CUDABackend {
  /// Adds up parts, [splits, total], where each gradient's numbers come after the other's.
  func addParts(_ parts: Tensor, splits: Int, to sums: [PartSum]) {
    let total = sums.total
    guard total > 0, !sumLater(parts.reshaped([splits, total]), to: sums) else { return }
    let ends = sums.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.target.count) }
    let accumulate = sums.indices.reduce(Int32(0)) { $0 | (sums[$1].accumulate ? 1 << $1 : 0) }
    let vector = total % 4 == 0 && parts.isAligned ? 4 : 1
    launch(
      KernelProgram("part_sums", ["VECTOR": vector]), "part_sums",
      grid: LaunchGrid(quotient(total, roundedUpBy: vector == 4 ? 64 : 32)), block: 256,
      arguments: [parts] + padded(sums.map(\.target), to: [PartSum].most, with: Tensor?.none)
        + padded(Array(ends.dropFirst()), to: [PartSum].most, with: total).dropLast()
        + [total, splits, accumulate])
  }

  /// Arguments for as many as a kernel takes, with one for those that are not there.
  func padded<Value: KernelArgument>(
    _ list: [Value], to count: Int, with last: any KernelArgument
  ) -> [any KernelArgument] {
    list.map { $0 } + Array(repeating: last, count: count - list.count)
  }
}
