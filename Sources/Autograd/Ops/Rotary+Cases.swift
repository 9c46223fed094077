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
        let tables = RotaryTables(positions: offset + length, dim: dim, on: tape.backend)
        return [inputs[0].rotated(cosine: tables.cosine, sine: tables.sine, offset: offset)]
      })
    return [entry, entry.ranTwice()]
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
