package import Tensors

/// Rows of a table, one for each token, plus one of another table for each position: what a residual
/// stream begins with.
package struct TokenRows {
  private let table: Variable
  private let index: IndexTensor
  private let positions: Variable?
  private let start: Int

  /// Describes the rows.
  ///
  /// - Parameters:
  ///   - table: [vocabulary, columns]
  ///   - index: [batch, length], row numbers below the table's first axis, or -1 for zeros.
  ///   - positions: [positions, columns]; every sequence takes the rows from `start` on.
  ///   - start: The position of the first token.
  package init(
    of table: Variable, at index: IndexTensor, addingPositions positions: Variable? = nil,
    from start: Int = 0
  ) {
    let length = index.shape[1]
    if let positions {
      precondition(
        positions.shape == [positions.shape[0], table.columns]
          && start + length <= positions.shape[0],
        "positions \(start)..<\(start + length) of \(positions.shape)")
    }
    (self.table, self.index, self.positions, self.start) = (table, index, positions, start)
  }

  private var tape: Tape { table.tape }
  private var shape: [Int] { index.shape + [table.columns] }
  private var source: GatheredRows {
    GatheredRows(table: table.value, index: index, added: positions.map { own($0.value) })
  }

  /// The rows of a table of positions, or its gradient, that the tokens take.
  private func own(_ positions: Tensor) -> Tensor { positions.prefixRows(start, index.shape[1]) }

  /// The rows [batch, length, columns].
  package func gathered() -> Variable {
    let y = tape.backend.empty(shape)
    tape.backend.gatherRows(source, into: y)
    return result(y)
  }

  /// The rows and their root-mean-square norm, in one pass where the device can.
  ///
  /// - Parameters:
  ///   - weight: [columns], or nil for none.
  ///   - epsilon: Keeps rows of zeros finite.
  /// - Returns: The rows, [batch, length, columns], and their norm.
  package func rmsNorm(
    weight: Variable?, epsilon: Float = 1e-5
  ) -> (rows: Variable, norm: Variable) {
    guard let fused = tape.backend as? any FusedKernels else {
      let rows = gathered()
      return (rows, rows.rmsNorm(weight: weight, epsilon: epsilon))
    }
    table.checkNormParameter(weight)
    let (x, y) = (tape.backend.empty(shape), tape.backend.empty(shape))
    let scale = tape.backend.empty([x.rows])
    fused.rmsNorm(
      gathering: source, weight: weight?.value, epsilon: epsilon, rows: x, into: y, scale: scale)
    let rows = result(x)
    return (rows, rows.rmsNormResult(y, weight: weight, scale: scale))
  }

  /// The same with the layer norm.
  package func layerNorm(
    weight: Variable?, bias: Variable?, epsilon: Float = 1e-5
  ) -> (rows: Variable, norm: Variable) {
    guard let fused = tape.backend as? any FusedKernels else {
      let rows = gathered()
      return (rows, rows.layerNorm(weight: weight, bias: bias, epsilon: epsilon))
    }
    table.checkNormParameter(weight)
    table.checkNormParameter(bias)
    let (x, y) = (tape.backend.empty(shape), tape.backend.empty(shape))
    let (mean, scale) = (tape.backend.empty([x.rows]), tape.backend.empty([x.rows]))
    fused.layerNorm(
      gathering: source, weight: weight?.value, bias: bias?.value, epsilon: epsilon, rows: x,
      into: y, mean: mean, scale: scale)
    let rows = result(x)
    return (rows, rows.layerNormResult(y, weight: weight, bias: bias, mean: mean, scale: scale))
  }

  private func result(_ y: Tensor) -> Variable {
    tape.result(y, of: [table, positions]) { dy in
      let backend = tape.backend
      guard let positions else {
        return table.contributeSum { backend.scatterAddRows(dy, at: index, to: $0) }
      }
      if let fused = backend as? any FusedKernels, table.needsGradient, positions.needsGradient {
        return table.contributeSum { dtable in
          positions.contributeSum {
            fused.scatterAddRows(dy, at: index, to: dtable, positions: own($0))
          }
        }
      }
      table.contributeSum { backend.scatterAddRows(dy, at: index, to: $0) }
      positions.contributeSum {
        let flat = index.shape[1] * table.columns
        backend.sumRows(
          dy.reshaped([index.shape[0], flat]), addedTo: own($0).reshaped([flat]))
      }
    }
  }
}
