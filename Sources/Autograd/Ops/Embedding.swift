package import Tensors

extension Variable {
  /// Rows of this table, one for each index.
  ///
  /// - Parameters:
  ///   - index: Row numbers below the table's first axis, or -1.
  ///   - shape: The result's shape; its last axis is the table's, the others count the indices.
  /// - Returns: The rows, of zeros where the index is -1.
  package func gatheringRows(at index: IndexTensor, shape: [Int]) -> Variable {
    precondition(
      shape.last == columns && shape.dropLast().reduce(1, *) == index.count,
      "gatheringRows: shape \(shape) for \(index.count) rows of \(columns) columns")
    let backend = tape.backend
    let y = backend.empty(shape)
    backend.gatherRows(value, at: index, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      contributeSum { backend.scatterAddRows(dy, at: index, to: $0) }
    }
  }
}
