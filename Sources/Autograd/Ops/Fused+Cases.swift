import Tensors

extension OpCatalog {
  static let fusedCases: [OpCase] =
    gatedNormShapes.indices.map(gatedNormCase) + [0.0625, 1, 2.5].map(sigmoidPowerCase)
    + [(1, 2, 3, 2), (2, 3, 2, 4), (1, 5, 1, 33), (2, 9, 4, 16), (3, 1, 3, 5)].map(gatedHeadsCase)

  private static let gatedNormShapes: [(rows: Int, columns: Int, heads: Int)] = [
    (1, 1, 3), (9, 3, 2), (5, 16, 1), (3, 33, 2), (6, 64, 2), (2, 130, 1), (1, 1100, 1),
  ]

  /// Heads are rows of their own in the norm, and side by side in the gate.
  private static func gatedNormCase(_ index: Int) -> OpCase {
    let (rows, columns, heads) = gatedNormShapes[index]
    let weighted = index % 2 == 0
    let function: Elementwise = index % 3 == 1 ? .sigmoid : .silu
    let epsilon = columns == 1 ? 0.5 : 1e-5
    let entry = OpCase(
      "gatedNorm", "\(rows)x\(heads)x\(columns)-\(function)" + (weighted ? "-weight" : ""),
      inputs: [
        OpInput("x", [rows, heads, columns]),
        OpInput("gate", [rows, heads * columns], .normal(scale: 2)),
      ] + (weighted ? [OpInput("weight", [columns])] : []),
      tolerance: 2e-6,
      reference: { arrays in
        var y = arrays[1]
        for row in 0..<rows * heads {
          let own = (0..<columns).map { arrays[0].values[row * columns + $0] }
          let mean = own.reduce(0) { $0 + $1 * $1 } / Double(columns)
          for column in 0..<columns {
            let place = row * columns + column
            let weight = weighted ? arrays[2].values[column] : 1
            y.values[place] =
              own[column] / (mean + epsilon).squareRoot() * weight
              * function.exact(arrays[1].values[place])
          }
        }
        return [y]
      },
      run: { _, inputs in
        [
          inputs[0].rmsNorm(
            weight: weighted ? inputs[2] : nil, gatedBy: inputs[1], function,
            epsilon: Float(epsilon))
        ]
      })
    return index % 3 == 0 ? entry.ranTwice() : entry
  }

  private static func sigmoidPowerCase(_ exponent: Double) -> OpCase {
    OpCase(
      "sigmoidPower", "\(exponent)", inputs: [OpInput("x", [3, 7], .normal(scale: 3))],
      tolerance: 2e-6,
      reference: { arrays in
        let values = arrays[0].values.map {
          Elementwise.exp.exact(exponent * Elementwise.logSigmoid.exact($0))
        }
        return [DoubleArray(arrays[0].shape, values)]
      },
      run: { _, inputs in [inputs[0].sigmoid(toPower: Float(exponent))] })
  }

  private static func gatedHeadsCase(
    _ batch: Int, _ length: Int, _ heads: Int, _ dim: Int
  ) -> OpCase {
    let (tokens, width) = (batch * length, heads * dim)
    return OpCase(
      "gatedHeads", "\(tokens)x\(heads)x\(dim)",
      inputs: [
        // So small that epsilon counts: the norm takes all but that out of the factors' gradient.
        OpInput("x", [batch, length, heads, dim], .normal(scale: 0.005)),
        OpInput("factors", [batch, length, heads], .uniform(0.5...1.5)),
        OpInput("weight", [width]), OpInput("direct", [batch, length, width]),
        OpInput("skip", [width]), OpInput("gate", [batch, length, width], .normal(scale: 2)),
      ],
      tolerance: 1e-5,
      reference: { arrays in
        var y = arrays[3]
        for row in 0..<tokens * heads {
          let own = (0..<dim).map { arrays[0].values[row * dim + $0] * arrays[1].values[row] }
          let mean = own.reduce(0, +) / Double(dim)
          let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(dim)
          for column in 0..<dim {
            let (place, parameter) = (row * dim + column, row % heads * dim + column)
            let normalised = (own[column] - mean) / (variance + 1e-5).squareRoot()
            y.values[place] =
              (normalised * arrays[2].values[parameter]
                + arrays[3].values[place] * arrays[4].values[parameter])
              * Elementwise.silu.exact(arrays[5].values[place])
          }
        }
        return [y]
      },
      run: { _, v in
        [
          v[0].normalisedHeads(
            factors: v[1], weight: v[2], direct: v[3], skip: v[4], gatedBy: v[5], .silu)
        ]
      })
  }
}
