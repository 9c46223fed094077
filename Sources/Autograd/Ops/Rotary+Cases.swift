import Platform
import Tensors

extension OpCatalog {
  static let rotaryCases: [OpCase] = [
    ([1, 1, 1, 2], 0), ([2, 7, 1, 8], 0), ([1, 5, 3, 16], 3), ([1, 3, 2, 34], 60),
    ([2, 2, 1, 64], 1),
  ].flatMap { shape, offset -> [OpCase] in
    let (length, dim) = (shape[1], shape[3])
    let entry = OpCase(
      "rotary", "T\(length)-H\(shape[2])-D\(dim)-offset\(offset)",
      inputs: [OpInput("x", shape)], tolerance: 1e-6,
      reference: { [rotated($0[0], offset: offset)] },
      run: { tape, inputs in
        let (cosine, sine) = tables(offset + length, dim: dim, on: tape.backend)
        return [inputs[0].rotated(cosine: cosine, sine: sine, offset: offset)]
      })
    return [entry, entry.ranTwice()]
  }

  /// The cosines and sines of position * 10000^(-2 j / dim), [positions, dim / 2] each.
  private static func tables(
    _ positions: Int, dim: Int, on backend: any Backend
  ) -> (cosine: Tensor, sine: Tensor) {
    let half = dim / 2
    let rates = (0..<half).map { Mathematics.power(10000, -2 * Double($0) / Double(dim)) }
    let angles = (0..<positions).flatMap { position in rates.map { Double(position) * $0 } }
    return (
      backend.tensor(angles.map { Float(Mathematics.cosine($0)) }, [positions, half]),
      backend.tensor(angles.map { Float(Mathematics.sine($0)) }, [positions, half])
    )
  }

  /// Each pair as a complex number, times e^(i angle).
  private static func rotated(_ x: DoubleArray, offset: Int) -> DoubleArray {
    var y = x
    let half = x.shape[3] / 2
    for batch in 0..<x.shape[0] {
      for time in 0..<x.shape[1] {
        for head in 0..<x.shape[2] {
          for pair in 0..<half {
            let frequency = 1 / Mathematics.power(10000, Double(pair) / Double(half))
            let angle = Double(offset + time) * frequency
            let (re, im) = (x[batch, time, head, pair], x[batch, time, head, pair + half])
            let (c, s) = (Mathematics.cosine(angle), Mathematics.sine(angle))
            y[batch, time, head, pair] = re * c - im * s
            y[batch, time, head, pair + half] = re * s + im * c
          }
        }
      }
    }
    return y
  }
}
