package import Tensors

extension CUDABackend {
  package func rmsNorm(
    gathering source: GatheredRows, weight: Tensor?, epsilon: Float, rows: Tensor, into y: Tensor,
    scale: Tensor
  ) {
    guard let held = HeldRows(gatherThreads(source, rows, y), columns: rows.columns) else {
      gatherRows(source, into: rows)
      return rmsNorm(rows, weight: weight, epsilon: epsilon, into: y, scale: scale)
    }
    launch(
      held.gatherProgram, "gather_rms_norm",
      grid: gatherGrid(rows.rows, perBlock: held.rowsPerBlock), block: RowThreads.blockSize,
      rows.rows, rows.columns, 1 / Float(rows.columns), epsilon, source.index, source.table,
      source.added, source.added?.rows ?? 1, weight, rows, y, scale)
  }

  package func layerNorm(
    gathering source: GatheredRows, weight: Tensor?, bias: Tensor?, epsilon: Float, rows: Tensor,
    into y: Tensor, mean: Tensor, scale: Tensor
  ) {
    guard let held = HeldRows(gatherThreads(source, rows, y), columns: rows.columns) else {
      gatherRows(source, into: rows)
      return layerNorm(
        rows, weight: weight, bias: bias, epsilon: epsilon, into: y, mean: mean, scale: scale)
    }
    launch(
      held.gatherProgram, "gather_layer_norm",
      grid: gatherGrid(rows.rows, perBlock: held.rowsPerBlock), block: RowThreads.blockSize,
      rows.rows, rows.columns, 1 / Float(rows.columns), epsilon, source.index, source.table,
      source.added, source.added?.rows ?? 1, weight, bias, rows, y, mean, scale)
  }

  private func gatherThreads(_ source: GatheredRows, _ rows: Tensor, _ y: Tensor) -> RowThreads {
    RowThreads(columns: rows.columns, source.table, source.added, rows, y)
  }
}
