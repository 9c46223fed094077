package import Tensors

extension CUDABackend: FusedKernels {
  package func gatedNorm(
    _ function: Elementwise, _ x: Tensor, weight: Tensor?, gate: Tensor, epsilon: Float,
    into y: Tensor, scale: Tensor
  ) {
    let (rows, columns) = (x.rows, x.columns)
    guard let held = HeldRows(RowThreads(columns: columns, x, gate, y), columns: columns) else {
      let normalised = empty(x.shape)
      rmsNorm(x, weight: weight, epsilon: epsilon, into: normalised, scale: scale)
      return self.gate(function, normalised, by: gate, into: y)
    }
    launch(
      held.gatedProgram(function), "gated_norm",
      grid: rowGrid(rows, perBlock: held.rowsPerBlock, most: 16), block: RowThreads.blockSize,
      rows, columns, epsilon, x, weight, gate, y, scale)
  }

  package func gatedNormBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor?, scale: Tensor, gate: Tensor, dy: Tensor,
    dx: Tensor, accumulateX: Bool, dgate: Tensor, accumulateGate: Bool, dweight: Tensor?
  ) {
    let (rows, columns) = (x.rows, x.columns)
    let threads = RowThreads(columns: columns, x, gate, dy, dx, dgate)
    guard let held = HeldRows(threads, columns: columns) else {
      return longGatedNormBackward(
        function, x: x, weight: weight, scale: scale, gate: gate, dy: dy, dx: dx,
        accumulateX: accumulateX, dgate: dgate, accumulateGate: accumulateGate, dweight: dweight)
    }
    withPartials(rows, held, dweight, nil) { grid, partial in
      launch(
        held.gatedProgram(function), "gated_norm_backward", grid: grid,
        block: RowThreads.blockSize, rows, columns, x, weight, scale, gate, dy, dx, accumulateX,
        dgate, accumulateGate, partial)
    }
  }

  /// One after the other, for rows that are too long for registers.
  private func longGatedNormBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor?, scale: Tensor, gate: Tensor, dy: Tensor,
    dx: Tensor, accumulateX: Bool, dgate: Tensor, accumulateGate: Bool, dweight: Tensor?
  ) {
    var normalised = empty(x.shape)
    let gradient = empty(x.shape)
    scaleRows(x, by: scale, into: normalised, accumulate: false)
    if let weight {
      let weighted = empty(x.shape)
      multiplyRow(normalised, weight, into: weighted, accumulate: false)
      normalised = weighted
    }
    gateBackward(
      function, a: normalised, b: gate, dy: dy, da: gradient, accumulateA: false, db: dgate,
      accumulateB: accumulateGate)
    rmsNormBackward(
      x: x, weight: weight, scale: scale, dy: gradient, dx: dx, accumulate: accumulateX,
      dweight: dweight)
  }

  package func sigmoidPower(_ x: Tensor, exponent: Float, into y: Tensor) {
    arithmetic("sigmoid_power", x.count, x.count, exponent, x, y)
  }

  package func sigmoidPowerBackward(
    x: Tensor, y: Tensor, exponent: Float, dy: Tensor, dx: Tensor, accumulate: Bool
  ) {
    arithmetic("sigmoid_power_backward", x.count, x.count, exponent, x, y, dy, dx, accumulate)
  }
}
