package import Tensors

extension Variable {
  /// Rows of this table, one for each index.
  ///
  /// - Parameters:
  ///   - index: Row numbers below the table's first axis, or -1.
  ///   - shape: The result's shape; its last axis is the table's, the others count the indices.
  ///   - distinct: Whether no two indices are equal but for -1, which makes the gradient cheaper.
  /// - Returns: The rows, of zeros where the index is -1.
  package func gatheringRows(
    at index: IndexTensor, shape: [Int], distinct: Bool = false
  ) -> Variable {
    precondition(
      shape.last == columns && shape.dropLast().reduce(1, *) == index.count,
      "gatheringRows: shape \(shape) for \(index.count) rows of \(columns) columns")
    let backend = tape.backend
    let y = backend.empty(shape)
    backend.gatherRows(value, at: index, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      guard distinct else {
        return contributeSum { backend.scatterAddRows(dy, at: index, to: $0) }
      }
      contribute(dy, atDistinct: index)
    }
  }

  /// The positions of this variable, [batch, length, …], that somebody looks at, where what follows
  /// looks at one position at a time; all where nobody said which.
  ///
  /// - Returns: [rows, …], or this variable.
  public func atWantedRows() -> Variable {
    guard let wanted = tape.wantedRows else { return self }
    if let rows = tape.wantedRows(of: self) { return rows }
    let rest = Array(shape.dropFirst(2))
    let flat = [wanted.count, rest.reduce(1, *)]
    // Nothing stands between whole rows and their gradient, which can wait for its next share.
    if rest.count == 1 { return gatheringRows(at: wanted, shape: flat, distinct: true) }
    return reshaped([shape[0] * shape[1], flat[1]])
      .gatheringRows(at: wanted, shape: flat, distinct: true)
      .reshaped([wanted.count] + rest)
  }

  /// Some rows of the sum of this variable and another, without making the others.
  ///
  /// - Parameters:
  ///   - other: As this variable.
  ///   - index: Row numbers of their flat rows, each at most once, or -1.
  /// - Returns: The rows [rows, columns], of zeros where the index is -1.
  package func gatheringRows(ofSumWith other: Variable, at index: IndexTensor) -> Variable {
    precondition(shape == other.shape, "a sum of shapes \(shape) and \(other.shape)")
    let backend = tape.backend
    let y = backend.empty([index.count, columns])
    if let fused = backend as? any FusedKernels {
      fused.gatherRows(ofSum: value, other.value, at: index, into: y)
    } else {
      let (own, others) = (backend.empty(y.shape), backend.empty(y.shape))
      backend.gatherRows(value, at: index, into: own)
      backend.gatherRows(other.value, at: index, into: others)
      backend.add(own, others, into: y)
    }
    return tape.result(y, of: [self, other]) { [self] dy in
      // Both have the same gradient, which is made once.
      let gradient = backend.empty(shape)
      backend.spreadDistinctRows(dy, at: index, into: gradient)
      contribute(gradient)
      other.contribute(gradient)
    }
  }
}
