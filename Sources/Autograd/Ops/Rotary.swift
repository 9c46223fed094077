import Platform
package import Tensors

/// The cosines and sines of rotary position embeddings (Su and others, 2021), on the device.
package struct RotaryTables {
  /// Of shape [positions, dim / 2].
  package let cosine: Tensor
  /// Of shape [positions, dim / 2].
  package let sine: Tensor

  /// Makes the tables of the angles position * base^(-2 j / dim), in double precision.
  package init(positions: Int, dim: Int, base: Double = 10000, on backend: any Backend) {
    precondition(dim % 2 == 0, "rotary embeddings need an even dimension, not \(dim)")
    let half = dim / 2
    let frequencies = (0..<half).map { Mathematics.power(base, -2 * Double($0) / Double(dim)) }
    var cosines: [Float] = []
    var sines: [Float] = []
    cosines.reserveCapacity(positions * half)
    sines.reserveCapacity(positions * half)
    for position in 0..<positions {
      for frequency in frequencies {
        let angle = Double(position) * frequency
        cosines.append(Float(Mathematics.cosine(angle)))
        sines.append(Float(Mathematics.sine(angle)))
      }
    }
    cosine = backend.tensor(cosines, [positions, half])
    sine = backend.tensor(sines, [positions, half])
  }
}

extension Variable {
  /// Rotates the pairs (j, j + dim/2) of [batch, length, heads, dim] by their positions' angles.
  ///
  /// - Parameters:
  ///   - cosine: [positions, dim / 2], from position 0.
  ///   - sine: [positions, dim / 2]
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
