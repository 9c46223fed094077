import Tensors

extension OpCatalog {
  /// Sizes that kernels may have and others; rows on both sides of what a block has; hidden columns
  /// that several blocks may share; an input that adds to gradients.
  static let mlpCases: [OpCase] =
    [
      (1, 1, 1), (3, 5, 7), (2, 8, 64), (9, 16, 64), (70, 16, 64), (5, 48, 128), (70, 128, 128),
    ].map { mlpCase($0, $1, $2) } + [mlpCase(3, 16, 128).ranTwice()]
    + [(5, 3, 7), (19, 16, 64), (7, 32, 64), (5, 128, 128), (3, 128, 512)].map {
      mlpSumCase($0, $1, $2)
    }
    + [mlpSumCase(3, 16, 64).ranTwice()]

  /// The shapes that training sees.
  package static let mlpTimings: [OpCase] = [1280, 4096, 22_528].flatMap { rows in
    [64, 128].map { mlpCase(rows, $0, 4 * $0, checked: false) }
  }

  private static func mlpCase(
    _ rows: Int, _ width: Int, _ hidden: Int, checked: Bool = true
  ) -> OpCase {
    let reference: @Sendable ([DoubleArray]) -> [DoubleArray] = { [mlpReference($0)] }
    return OpCase(
      "mlp", "\(rows)x\(width)x\(hidden)",
      inputs: [
        OpInput("x", [rows, width]), OpInput("up", [width, hidden], .normal(scale: 0.3)),
        OpInput("up bias", [hidden]), OpInput("down", [hidden, width], .normal(scale: 0.3)),
        OpInput("down bias", [width]),
      ],
      flops: 4 * Double(rows * width * hidden),
      reference: checked ? reference : nil,
      run: { _, v in [v[0].mlp(up: v[1], upBias: v[2], down: v[3], downBias: v[4])] })
  }

  /// With a norm before, and the input added.
  private static func mlpSumCase(_ rows: Int, _ width: Int, _ hidden: Int) -> OpCase {
    let plain = mlpCase(rows, width, hidden)
    return OpCase(
      "mlp", plain.variant + "-sum",
      inputs: plain.inputs + [OpInput("norm", [width])],
      reference: { arrays in
        var (x, y) = (arrays[0], arrays[0])
        for row in 0..<rows {
          let own = row * width..<(row + 1) * width
          let mean = x.values[own].reduce(0) { $0 + $1 * $1 } / Double(width)
          for place in own {
            x.values[place] *= arrays[5].values[place % width] / (mean + 1e-5).squareRoot()
          }
        }
        let part = mlpReference([x] + arrays[1..<5])
        for place in y.values.indices { y.values[place] += part.values[place] }
        return [y]
      },
      run: { _, v in
        [
          v[0].addingMLP(ofNormWith: v[5], up: v[1], upBias: v[2], down: v[3], downBias: v[4])
            ?? v[0]
            + v[0].rmsNorm(weight: v[5]).mlp(up: v[1], upBias: v[2], down: v[3], downBias: v[4])
        ]
      })
  }

  private static func mlpReference(_ arrays: [DoubleArray]) -> DoubleArray {
    var units = arrays[0].times(arrays[1], from: arrays[2])
    units.values = units.values.map(Elementwise.gelu.exact)
    return units.times(arrays[3], from: arrays[4])
  }
}
