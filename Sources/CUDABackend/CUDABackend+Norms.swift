package import Tensors

extension CUDABackend {
  package func rmsNorm(
    _ x: Tensor, weight: Tensor?, epsilon: Float, into y: Tensor, scale: Tensor
  ) {
    rootNorm(
      x, weight: weight, factor: 1 / Float(x.columns), epsilon: epsilon, into: y, scale: scale)
  }

  package func l2Norm(_ x: Tensor, epsilon: Float, into y: Tensor, scale: Tensor) {
    rootNorm(x, weight: nil, factor: 1, epsilon: epsilon, into: y, scale: scale)
  }

  // y = x (factor sum x^2 + epsilon)^(-1/2) weight
  private func rootNorm(
    _ x: Tensor, weight: Tensor?, factor: Float, epsilon: Float, into y: Tensor, scale: Tensor
  ) {
    guard let held = HeldRows(RowThreads(columns: x.columns, x, y), columns: x.columns) else {
      return longNorm(
        x, weight: weight, bias: nil, factor: factor, epsilon: epsilon, into: y, mean: nil,
        scale: scale)
    }
    launch(
      held.program, "rms_norm", grid: rowGrid(x.rows, perBlock: held.rowsPerBlock, most: 16),
      block: RowThreads.blockSize, x.rows, x.columns, factor, epsilon, x, weight, y, scale)
  }

  package func layerNorm(
    _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float, into y: Tensor, mean: Tensor,
    scale: Tensor
  ) {
    let factor = 1 / Float(x.columns)
    guard let held = HeldRows(RowThreads(columns: x.columns, x, y), columns: x.columns) else {
      return longNorm(
        x, weight: weight, bias: bias, factor: factor, epsilon: epsilon, into: y, mean: mean,
        scale: scale)
    }
    launch(
      held.program, "layer_norm", grid: rowGrid(x.rows, perBlock: held.rowsPerBlock, most: 16),
      block: RowThreads.blockSize, x.rows, x.columns, factor, epsilon, x, weight, bias, y, mean,
      scale)
  }

  private func longNorm(
    _ x: Tensor, weight: Tensor?, bias: Tensor?, factor: Float, epsilon: Float, into y: Tensor,
    mean: Tensor?, scale: Tensor
  ) {
    launch(
      KernelProgram("long_norms"), "long_norm", grid: rowGrid(x.rows, perBlock: 1), block: 512,
      x.rows, x.columns, factor, epsilon, x, weight, bias, y, mean, scale)
  }

  package func rmsNormBackward(
    x: Tensor, weight: Tensor?, scale: Tensor, dy: Tensor, dx: Tensor?, accumulate: Bool,
    dweight: Tensor?
  ) {
    let (rows, columns) = (x.rows, x.columns)
    guard let held = HeldRows(RowThreads(columns: columns, x, dy, dx), columns: columns) else {
      return longNormBackward(
        x: x, weight: weight, mean: nil, scale: scale, dy: dy, dx: dx, accumulate: accumulate,
        dweight: dweight, dbias: nil)
    }
    withPartials(rows, held, dweight, nil) { grid, partial in
      launch(
        held.program, "rms_norm_backward", grid: grid, block: RowThreads.blockSize, rows, columns,
        x, weight, scale, dy, dx, accumulate, dweight != nil, partial)
    }
  }

  package func layerNormBackward(
    x: Tensor, weight: Tensor?, mean: Tensor, scale: Tensor, dy: Tensor, dx: Tensor?,
    accumulate: Bool, dweight: Tensor?, dbias: Tensor?
  ) {
    let (rows, columns) = (x.rows, x.columns)
    guard let held = HeldRows(RowThreads(columns: columns, x, dy, dx), columns: columns) else {
      return longNormBackward(
        x: x, weight: weight, mean: mean, scale: scale, dy: dy, dx: dx, accumulate: accumulate,
        dweight: dweight, dbias: dbias)
    }
    withPartials(rows, held, dweight, dbias) { grid, partial in
      launch(
        held.program, "layer_norm_backward", grid: grid, block: RowThreads.blockSize, rows,
        columns, x, weight, mean, scale, dy, dx, accumulate, dweight != nil, dbias != nil, partial)
    }
  }

  /// Runs a kernel whose blocks leave sums of their rows, and adds those up.
  func withPartials(
    _ rows: Int, _ held: HeldRows, _ dweight: Tensor?, _ dbias: Tensor?,
    _ kernel: (_ grid: LaunchGrid, _ partial: Tensor?) -> Void
  ) {
    let sums = (dweight?.count ?? 0) + (dbias?.count ?? 0)
    // Two rows per group pay for a block's share in the sums.
    let grid = rowGrid(rows, perBlock: held.rowsPerBlock * (sums > 0 ? 2 : 1), most: 8)
    let partial = sums > 0 ? empty([grid.x, sums]) : nil
    kernel(grid, partial)
    if let partial, rows > 0 { addPartials(partial, strips: grid.x, to: dweight, and: dbias) }
  }

  private func longNormBackward(
    x: Tensor, weight: Tensor?, mean: Tensor?, scale: Tensor, dy: Tensor, dx: Tensor?,
    accumulate: Bool, dweight: Tensor?, dbias: Tensor?
  ) {
    if let dx {
      launch(
        KernelProgram("long_norms"), "long_norm_backward", grid: rowGrid(x.rows, perBlock: 1),
        block: 512, x.rows, x.columns, x, weight, mean, scale, dy, dx, accumulate)
    }
    if let dweight { sumColumns(dy, times: x, mean: mean, scale: scale, addedTo: dweight) }
    if let dbias { sumColumns(dy, addedTo: dbias) }
  }

  package func l2NormBackward(
    y: Tensor, scale: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool
  ) {
    let (rows, columns) = (y.rows, y.columns)
    if let held = HeldRows(RowThreads(columns: columns, y, dy, dx), columns: columns) {
      launch(
        held.program, "l2_norm_backward",
        grid: rowGrid(rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
        rows, columns, y, scale, dy, dx, accumulate)
    } else {
      launch(
        KernelProgram("long_norms"), "long_l2_norm_backward", grid: rowGrid(rows, perBlock: 1),
        block: 512, rows, columns, y, scale, dy, dx, accumulate)
    }
  }
}

/// Rows that fit into the registers of a group of threads.
struct HeldRows {
  let rowsPerBlock: Int
  private let threads: RowThreads
  private let packs: Int

  /// nil for rows that are too long: a thread holds at most 32 floats of one.
  init?(_ threads: RowThreads, columns: Int) {
    packs = quotient(columns, roundedUpBy: threads.columnsAtOnce)
    guard packs * threads.vector <= 32 else { return nil }
    self.threads = threads
    rowsPerBlock = threads.rowsPerBlock
  }

  /// The norms on their own.
  var program: KernelProgram {
    KernelProgram(
      "norms", ["VECTOR": threads.vector, "LANES": threads.lanes, "PACKS": packs])
  }

  /// The norms of rows of a table.
  var gatherProgram: KernelProgram {
    KernelProgram(
      "gather_norms", ["VECTOR": threads.vector, "LANES": threads.lanes, "PACKS": packs])
  }

  /// The norms of sums.
  var sumProgram: KernelProgram {
    KernelProgram(
      "sum_norms", ["VECTOR": threads.vector, "LANES": threads.lanes, "PACKS": packs])
  }

  /// The norms of heads with a direct path and a gate.
  func headProgram(_ function: Elementwise, heads: Int) -> KernelProgram {
    KernelProgram(
      "gated_heads",
      [
        "FUNCTION": Int(function.rawValue), "HEADS": heads, "VECTOR": threads.vector,
        "LANES": threads.lanes, "PACKS": packs,
      ])
  }

  /// The norms of sums behind a gate.
  func sumProgram(_ function: Elementwise) -> KernelProgram {
    KernelProgram(file: "gated_sums", constants: gatedProgram(function).constants)
  }

  /// The norms with a gate.
  func gatedProgram(_ function: Elementwise) -> KernelProgram {
    KernelProgram(
      "gated_norms",
      [
        "FUNCTION": Int(function.rawValue), "VECTOR": threads.vector, "LANES": threads.lanes,
        "PACKS": packs,
      ])
  }
}
