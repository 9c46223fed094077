package import Tensors

extension CUDABackend {
  package func weightedHeads(
    _ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor, mean: Tensor, scale: Tensor
  ) {
    let (rows, columns) = (x.rows, x.columns)
    let held = held(columns, [x, y])
    launch(
      held.headProgram(.silu, heads: weight.count / columns), "weighted_heads",
      grid: rowGrid(rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
      rows, columns, epsilon, x, weight, y, mean, scale)
  }

  package func weightedHeadsBackward(
    _ x: Tensor, weight: Tensor, mean: Tensor, scale: Tensor, dy: Tensor, dx: GradientTarget,
    dweight: Tensor
  ) {
    let (rows, columns) = (x.rows, x.columns)
    let held = held(columns, [x, dy, dx.tensor])
    withPartials(rows, held, dweight, nil) { grid, partial in
      launch(
        held.headProgram(.silu, heads: weight.count / columns), "weighted_heads_backward",
        grid: grid, block: RowThreads.blockSize, rows, columns, x, weight, mean, scale, dy,
        dx.tensor, dx.accumulate, partial)
    }
  }

  private func held(_ columns: Int, _ tensors: [Tensor]) -> HeldRows {
    let threads = RowThreads(columns: columns, aligned: tensors.allSatisfy(\.isAligned))
    guard let held = HeldRows(threads, columns: columns) else {
      preconditionFailure("heads of \(columns) columns have no kernel")
    }
    return held
  }
}
