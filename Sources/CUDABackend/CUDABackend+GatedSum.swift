package import Tensors

extension CUDABackend {
  package func fusesGatedSums(columns: Int) -> Bool {
    // Twice as many floats of a row do not fit into a thread's registers with all that is made of
    // them.
    let threads = RowThreads(columns: columns, aligned: false)
    return columns <= 512 && HeldRows(threads, columns: columns) != nil
  }

  package func gatedSum(_ inputs: GatedSum, epsilon: Float, into y: Tensor, scale: Tensor) {
    let (rows, columns) = (inputs.x.rows, inputs.x.columns)
    let held = inputs.held(y)
    launch(
      held.sumProgram(inputs.function), "gated_sum",
      grid: rowGrid(rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
      rows, columns, epsilon, inputs.x, inputs.direct, inputs.skip, inputs.gate, inputs.weight, y,
      scale)
  }

  package func gatedSumBackward(
    _ inputs: GatedSum, scale: Tensor, dy: Tensor, into gradients: GatedSumGradients
  ) {
    let (rows, columns) = (inputs.x.rows, inputs.x.columns)
    let held = inputs.held(
      dy, gradients.x.tensor, gradients.direct.tensor, gradients.gate.tensor)
    withPartials(rows, held, gradients.weight, gradients.skip) { grid, partial in
      launch(
        held.sumProgram(inputs.function), "gated_sum_backward", grid: grid,
        block: RowThreads.blockSize,
        arguments: [
          rows, columns, inputs.x, inputs.direct, inputs.skip, inputs.gate, inputs.weight, scale,
          dy,
        ] + gradients.x.arguments + gradients.direct.arguments + gradients.gate.arguments
          + [partial])
    }
  }
}

extension GatedSum {
  fileprivate func held(_ others: Tensor...) -> HeldRows {
    let aligned = ([x, direct, gate] + others).allSatisfy(\.isAligned)
    let columns = x.columns
    guard let held = HeldRows(RowThreads(columns: columns, aligned: aligned), columns: columns)
    else { preconditionFailure("rows of \(columns) columns have no kernel") }
    return held
  }
}
