package import Tensors

extension CUDABackend {
  package func fusesLowRankPower(rows: Int, rank: Int, columns: Int) -> Bool {
    (1...16).contains(rank) && (8...128).contains(columns) && columns % 8 == 0 && rows > 0
      && LowRankPowerPlan.bytes(columns, .backward) <= device.sharedBytesPerBlock
  }

  package func lowRankPower(_ layer: LowRankPower, into y: Tensor) {
    let plan = LowRankPowerPlan(layer, [y])
    launch(
      plan.program, "low_rank_power",
      grid: rowGrid(layer.x.rows, perBlock: LowRankPowerPlan.rows, most: 5),
      block: LowRankPowerPlan.threads, shared: LowRankPowerPlan.bytes(y.columns, .forward),
      layer.x.rows, layer.exponent, layer.x, layer.weight, layer.bias, y)
  }

  package func lowRankPowerBackward(
    _ layer: LowRankPower, y: Tensor, dy: Tensor, dx: GradientTarget, dweight: Tensor,
    dbias: Tensor
  ) {
    let plan = LowRankPowerPlan(layer, [y, dy, dx.tensor])
    let sums = [dweight, dbias].map { PartSum(to: $0, accumulate: true) }
    // As many as the registers let a multiprocessor have.
    let most = y.columns > 64 ? 1 : 2
    let grid = rowGrid(layer.x.rows, perBlock: LowRankPowerPlan.rows, most: most)
    let partial = empty([grid.x, sums.total])
    launch(
      plan.program, "low_rank_power_backward", grid: grid, block: LowRankPowerPlan.threads,
      shared: LowRankPowerPlan.bytes(y.columns, .backward),
      layer.x.rows, layer.exponent, layer.x, layer.weight, layer.bias, y, dy, dx.tensor,
      dx.accumulate, partial)
    addParts(partial, splits: grid.x, to: sums)
  }
}

/// How `low_rank_power.cu` runs.
private struct LowRankPowerPlan {
  enum Pass { case forward, backward }

  static let threads = 256
  private static let warps = threads / 32
  /// Rows that a block has at a time.
  static let rows = warps * 16
  let program: KernelProgram

  init(_ layer: LowRankPower, _ others: [Tensor]) {
    let isAligned = ([layer.x] + others).allSatisfy(\.isAligned)
    program = KernelProgram(
      "low_rank_power",
      [
        "RANK": layer.x.columns, "COLUMNS": layer.weight.columns, "VECTOR": isAligned ? 4 : 1,
      ])
  }

  /// Dynamic shared memory: the weights as factors of both products and the biases, and on the way
  /// back 16 rows for each warp.
  static func bytes(_ columns: Int, _ pass: Pass) -> Int {
    let step = quotient(columns, roundedUpBy: 32) * 32 + 8
    return 4 * (33 * columns + (pass == .backward ? warps * 16 * step : 0))
  }
}
