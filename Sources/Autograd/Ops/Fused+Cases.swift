import Tensors

extension OpCatalog {
  static let fusedCases: [OpCase] =
    gatedNormShapes.indices.map(gatedNormCase) + Elementwise.allCases.map(scaledCase)
    + [0.0625, 1, 2.5].map(sigmoidPowerCase)
    + [(1, 2, 3, 2), (2, 3, 2, 4), (1, 5, 1, 33), (2, 9, 4, 16), (3, 1, 3, 5)].map(gatedHeadsCase)
    + [(1, 1), (3, 33), (20, 128), (9, 130), (2, 512), (1, 600)].map(gatedSumCase)
    + [(1, 3, 5), (21, 2, 128), (5, 8, 256), (3, 16, 128), (9, 1, 128)].map(lowRankCase)
    + [
      (1, 3, 5, 1), (37, 16, 64, 0.0625), (5, 8, 128, 2.5), (130, 16, 32, 0.0625), (3, 5, 24, 1),
      (18, 2, 40, 0.5),
    ].map(lowRankPowerCase)
    + [(1, 1, 3), (6, 2, 4), (5, 1, 33), (18, 4, 16), (3, 3, 5)].map(weightedHeadsCase)

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

  private static func scaledCase(_ function: Elementwise) -> OpCase {
    let factor = 1.75
    return OpCase(
      "scaled function", "\(function)", inputs: [OpInput("x", [3, 7], .uniform(0.25...2))],
      tolerance: 2e-6,
      reference: { arrays in
        [DoubleArray(arrays[0].shape, arrays[0].values.map { factor * function.exact($0) })]
      },
      run: { _, inputs in [inputs[0].applying(function, scaledBy: Float(factor))] })
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

  private static func gatedSumCase(_ rows: Int, _ columns: Int) -> OpCase {
    OpCase(
      "gatedSum", "\(rows)x\(columns)",
      inputs: [
        OpInput("x", [rows, columns]), OpInput("direct", [rows, columns]),
        OpInput("skip", [columns]), OpInput("gate", [rows, columns], .normal(scale: 2)),
        OpInput("weight", [columns]),
      ],
      tolerance: 1e-5,
      reference: { arrays in
        var y = arrays[0]
        for row in 0..<rows {
          let gated = (0..<columns).map { column in
            let place = row * columns + column
            let direct = arrays[1].values[place] * arrays[2].values[column]
            return (arrays[0].values[place] + direct)
              * Elementwise.silu.exact(arrays[3].values[place])
          }
          let mean = gated.reduce(0) { $0 + $1 * $1 } / Double(columns)
          for column in 0..<columns {
            y.values[row * columns + column] =
              gated[column] / (mean + 1e-5).squareRoot() * arrays[4].values[column]
          }
        }
        return [y]
      },
      run: { _, v in
        [v[0].gatedSum(direct: v[1], skip: v[2], gatedBy: v[3], .silu, weight: v[4])]
      })
  }

  private static func lowRankCase(_ rows: Int, _ rank: Int, _ columns: Int) -> OpCase {
    OpCase(
      "linear", "low-rank softplus \(rows)x\(rank)x\(columns)",
      inputs: [
        OpInput("x", [rows, rank]), OpInput("weight", [rank, columns]),
        OpInput("bias", [columns], .normal(scale: 3)),
      ],
      reference: { arrays in
        var y = DoubleArray([rows, columns])
        for row in 0..<rows {
          for column in 0..<columns {
            let sum = (0..<rank).reduce(arrays[2][column]) {
              $0 + arrays[0][row, $1] * arrays[1][$1, column]
            }
            y[row, column] = Elementwise.softplus.exact(sum)
          }
        }
        return [y]
      },
      run: { _, v in [v[0].softplus(ofProductWith: v[1], bias: v[2])] })
  }

  private static func lowRankPowerCase(
    _ rows: Int, _ rank: Int, _ columns: Int, _ exponent: Double
  ) -> OpCase {
    OpCase(
      "linear", "low-rank power \(rows)x\(rank)x\(columns)^\(exponent)",
      inputs: [
        OpInput("x", [rows, rank]), OpInput("weight", [rank, columns]),
        OpInput("bias", [columns], .normal(scale: 3)),
      ],
      reference: { arrays in
        var y = DoubleArray([rows, columns])
        for row in 0..<rows {
          for column in 0..<columns {
            let sum = (0..<rank).reduce(arrays[2][column]) {
              $0 + arrays[0][row, $1] * arrays[1][$1, column]
            }
            y[row, column] = Elementwise.exp.exact(
              exponent * Elementwise.logSigmoid.exact(sum))
          }
        }
        return [y]
      },
      run: { _, v in
        [v[0].sigmoid(ofProductWith: v[1], bias: v[2], toPower: Float(exponent))]
      })
  }

  private static func weightedHeadsCase(_ tokens: Int, _ heads: Int, _ dim: Int) -> OpCase {
    OpCase(
      "weightedHeads", "\(tokens)x\(heads)x\(dim)",
      inputs: [OpInput("x", [tokens, heads, dim]), OpInput("weight", [heads * dim])],
      tolerance: 1e-5,
      reference: { arrays in
        var y = DoubleArray([tokens, heads * dim])
        for row in 0..<tokens * heads {
          let own = (0..<dim).map { arrays[0].values[row * dim + $0] }
          let mean = own.reduce(0, +) / Double(dim)
          let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(dim)
          for column in 0..<dim {
            y.values[row * dim + column] =
              (own[column] - mean) / (variance + 1e-5).squareRoot()
              * arrays[1].values[row % heads * dim + column]
          }
        }
        return [y]
      },
      run: { _, v in [v[0].layerNorm(ofHeadsWith: v[1])] })
  }
}
