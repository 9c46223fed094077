package import Tensors

extension CUDABackend {
  package func rmsNorm(
    ofSum x: Tensor, _ other: Tensor, weight: Tensor?, epsilon: Float, sum: Tensor, into y: Tensor,
    scale: Tensor
  ) {
    guard let held = HeldRows(sumThreads(x, other, sum, y), columns: x.columns) else {
      add(x, other, into: sum)
      return rmsNorm(sum, weight: weight, epsilon: epsilon, into: y, scale: scale)
    }
    launch(
      held.sumProgram, "sum_rms_norm",
      grid: rowGrid(x.rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
      x.rows, x.columns, 1 / Float(x.columns), epsilon, x, other, weight, sum, y, scale)
  }

  package func layerNorm(
    ofSum x: Tensor, _ other: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float, sum: Tensor,
    into y: Tensor, mean: Tensor, scale: Tensor
  ) {
    guard let held = HeldRows(sumThreads(x, other, sum, y), columns: x.columns) else {
      add(x, other, into: sum)
      return layerNorm(
        sum, weight: weight, bias: bias, epsilon: epsilon, into: y, mean: mean, scale: scale)
    }
    launch(
      held.sumProgram, "sum_layer_norm",
      grid: rowGrid(x.rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
      x.rows, x.columns, 1 / Float(x.columns), epsilon, x, other, weight, bias, sum, y, mean, scale)
  }

  private func sumThreads(
    _ x: Tensor, _ other: Tensor, _ sum: Tensor, _ y: Tensor
  ) -> RowThreads {
    RowThreads(columns: x.columns, x, other, sum, y)
  }
}
