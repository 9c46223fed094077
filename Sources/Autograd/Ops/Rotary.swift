package import Tensors

extension Variable {
  /// Rotates the pairs (j, j + dim/2) of [batch, length, heads, dim] by their positions' angles.
  ///
  /// So rotary position embeddings do (Su and others, 2021, arXiv 2104.09864).
  ///
  /// - Parameters:
  ///   - cosine: Of the angles, [positions, dim / 2], from position 0.
  ///   - sine: Of the angles, [positions, dim / 2].
  ///   - offset: The position of the first token.
  /// - Returns: The rotated vectors, in the same shape.
  package func rotated(cosine: Tensor, sine: Tensor, offset: Int = 0) -> Variable {
    precondition(
      shape.count == 4 && columns == 2 * cosine.columns && cosine.shape == sine.shape,
      "rotated: \(shape) with tables of shape \(cosine.shape)")
    precondition(offset >= 0 && offset + shape[1] <= cosine.rows, "rotated: beyond the tables")
    let backend = tape.backend
    let y = backend.empty(shape)
    backend.rotary(value, cosine: cosine, sine: sine, offset: offset, inverse: false, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      let dx = backend.empty(shape)
      backend.rotary(dy, cosine: cosine, sine: sine, offset: offset, inverse: true, into: dx)
      contribute(dx)
    }
  }
}
