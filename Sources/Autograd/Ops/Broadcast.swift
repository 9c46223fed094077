import Tensors

extension Variable {
  /// Adds one row, of shape [columns], to every row.
  public func addingRow(_ row: Variable) -> Variable {
    let backend = tape.backend
    let y = emptyForRows(row)
    backend.addRow(value, row.value, into: y)
    return tape.result(y, of: [self, row]) { [self] dy in
      contribute(dy)
      row.contributeSum { backend.sumRows(dy, addedTo: $0) }
    }
  }

  /// Multiplies every row by one row, of shape [columns], element by element.
  public func multiplyingRow(_ row: Variable) -> Variable {
    let backend = tape.backend
    let y = emptyForRows(row)
    backend.multiplyRow(value, row.value, into: y, accumulate: false)
    return tape.result(y, of: [self, row]) { [self] dy in
      contribute { dx, accumulate in
        backend.multiplyRow(dy, row.value, into: dx, accumulate: accumulate)
      }
      row.contributeSum { backend.sumRowsProduct(dy, value, addedTo: $0) }
    }
  }

  /// Multiplies each row by its own factor; they have this variable's shape without its last axis.
  public func scalingRows(by factors: Variable) -> Variable {
    precondition(
      factors.shape == shape.dropLast(), "scalingRows: shapes \(shape) and \(factors.shape)")
    let backend = tape.backend
    let y = backend.empty(shape)
    backend.scaleRows(value, by: factors.value, into: y, accumulate: false)
    return tape.result(y, of: [self, factors]) { [self] dy in
      contribute { dx, accumulate in
        backend.scaleRows(dy, by: factors.value, into: dx, accumulate: accumulate)
      }
      factors.contribute { ds, accumulate in
        backend.dotRows(dy, value, into: ds, accumulate: accumulate)
      }
    }
  }

  private func emptyForRows(_ row: Variable) -> Tensor {
    precondition(row.shape == [columns], "row of shape \(row.shape) for \(columns) columns")
    return tape.backend.empty(shape)
  }

  /// Lets a kernel that always adds (to what all rows share) add to this variable's gradient.
  func contributeSum(_ add: (_ target: Tensor) -> Void) {
    contribute { target, accumulate in
      if !accumulate { tape.backend.fill(target, with: 0) }
      add(target)
    }
  }
}
