import Tensors

// What carries a cache from one segment of a sequence to the next. Segments are fed one after the
// other in evaluation only, so nothing here is differentiated.
extension Variable {
  /// The positions of `earlier` followed by this variable's, along axis 1.
  ///
  /// - Parameter earlier: [batch, positions, …]; nil or empty where there are none.
  /// - Returns: [batch, earlier positions + positions, …]
  package func appended(to earlier: Variable?) -> Variable {
    guard let earlier else { return self }
    precondition(!tape.records([self, earlier]), "a cache is not differentiated")
    let (batch, old, new) = (shape[0], earlier.shape[1], shape[1])
    let joined = tape.backend.empty([batch, old + new] + shape.dropFirst(2))
    for row in 0..<batch {
      copyPositions(of: earlier.value, row, 0..<old, to: joined, 0)
      copyPositions(of: value, row, 0..<new, to: joined, old)
    }
    return tape.constant(joined)
  }

  /// The last `count` positions along axis 1, or all where `count` is 0 or there are fewer.
  package func lastPositions(_ count: Int) -> Variable {
    let length = shape[1]
    guard count > 0, count < length else { return self }
    let kept = tape.backend.empty([shape[0], count] + shape.dropFirst(2))
    for row in 0..<shape[0] {
      copyPositions(of: value, row, length - count..<length, to: kept, 0)
    }
    return tape.constant(kept)
  }

  private func copyPositions(
    of source: Tensor, _ row: Int, _ range: Range<Int>, to target: Tensor, _ start: Int
  ) {
    let width = source.shape.dropFirst(2).reduce(1, *)
    func part(_ tensor: Tensor, from first: Int) -> Tensor {
      Tensor(
        storage: tensor.storage,
        offset: tensor.offset + (row * tensor.shape[1] + first) * width,
        shape: [range.count, width])
    }
    tape.backend.copy(part(source, from: range.lowerBound), to: part(target, from: start))
  }
}
