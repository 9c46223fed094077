import Tensors

extension Variable {
  /// Rows start ..< start + count of the first axis, without a copy.
  package func rows(from start: Int, count: Int) -> Variable {
    let backend = tape.backend
    return tape.result(value.prefixRows(start, count), of: [self]) { [self] dy in
      contribute { target, accumulate in
        if !accumulate { backend.fill(target, with: 0) }
        backend.addScaled(1, dy, to: target.prefixRows(start, count))
      }
    }
  }

  /// The logits of a head, x W' for a weight [outputs, columns].
  ///
  /// For prediction only: training computes the head inside `crossEntropy`, at the supervised
  /// positions.
  package func logits(of weight: Variable) -> Variable {
    precondition(!tape.records([self, weight]), "logits are not differentiated")
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let y = tape.backend.empty(shape.dropLast() + [outputs])
    tape.backend.multiply(
      MatrixProduct(m: value.count / inputs, n: outputs, k: inputs, transposeB: true), value,
      weight.value, bias: nil, into: y)
    return tape.constant(y)
  }
}
