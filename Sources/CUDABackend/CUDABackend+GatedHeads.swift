package import Tensors

extension CUDABackend {
  package func fusesHeads(_ heads: Int, dim: Int) -> Bool {
    // A block has a power of two of groups, at least that of whole warps.
    HeldRows(RowThreads(columns: dim, aligned: false), columns: dim) != nil
      && RowThreads.blockSize / 32 % heads == 0
  }

  package func gatedHeads(
    _ inputs: GatedHeads, epsilon: Float, into y: Tensor, mean: Tensor, scale: Tensor
  ) {
    let (rows, columns) = (inputs.x.rows, inputs.x.columns)
    let held = inputs.held(y)
    launch(
      inputs.program(held), "gated_heads",
      grid: rowGrid(rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
      rows, columns, epsilon, inputs.x, inputs.factors, inputs.weight, inputs.direct, inputs.skip,
      inputs.gate, y, mean, scale)
  }

  package func gatedHeadsBackward(
    _ inputs: GatedHeads, mean: Tensor, scale: Tensor, dy: Tensor,
    into gradients: GatedHeadsGradients
  ) {
    let (rows, columns) = (inputs.x.rows, inputs.x.columns)
    let held = inputs.held(
      dy, gradients.x.tensor, gradients.direct.tensor, gradients.gate.tensor)
    withPartials(rows, held, gradients.weight, gradients.skip) { grid, partial in
      launch(
        inputs.program(held), "gated_heads_backward", grid: grid, block: RowThreads.blockSize,
        arguments: [
          rows, columns, inputs.x, inputs.factors, inputs.weight, inputs.direct, inputs.skip,
          inputs.gate, mean, scale, dy,
        ] + gradients.x.arguments + gradients.factors.arguments + gradients.direct.arguments
          + gradients.gate.arguments + [partial])
    }
  }
}

extension GatedHeads {
  fileprivate func held(_ others: Tensor...) -> HeldRows {
    let aligned = ([x, direct, gate] + others).allSatisfy(\.isAligned)
    let columns = x.columns
    guard let held = HeldRows(RowThreads(columns: columns, aligned: aligned), columns: columns)
    else { preconditionFailure("heads of \(columns) columns have no kernel") }
    return held
  }

  fileprivate func program(_ held: HeldRows) -> KernelProgram {
    held.headProgram(function, heads: weight.count / x.columns)
  }
}

extension GradientTarget {
  var arguments: [any KernelArgument] { [tensor, accumulate] }
}
