import Tensors

extension OpCatalog {
  static let tokenRowCases: [OpCase] =
    [1, 3, 16].flatMap { columns -> [OpCase] in
      let entry = positionsCase([3, 0, -1, 6, 3, 3], numbers: 7, columns: columns)
      return [entry, entry.ranTwice()]
    }
    // So many rows that they are sorted, while others are summed by their positions.
    + [positionsCase(squares(4100), numbers: 41, columns: 4)]
    + [1, 3, 16, 33, 64, 130, 1100].enumerated().flatMap { index, columns in
      [true, false].map { tokenNormCase(columns: columns, isLayer: $0, weighted: index % 2 == 0) }
    }

  /// Two sequences from the second position on; there is one position more than they take.
  private static func positionsCase(_ index: [Int32], numbers: Int, columns: Int) -> OpCase {
    let (start, length) = (1, index.count / 2)
    return OpCase(
      "gatheringRows", "\(index.count)x\(columns)-positions",
      inputs: [
        OpInput("table", [numbers, columns]), OpInput("positions", [length + 2, columns]),
      ],
      tolerance: 1e-6,
      reference: { [rows(index, of: $0[0], adding: $0[1], from: start)] },
      run: { tape, inputs in
        let tokens = tape.backend.indices(index, [2, length])
        let rows = TokenRows(of: inputs[0], at: tokens, addingPositions: inputs[1], from: start)
        return [rows.gathered()]
      })
  }

  /// Rows and their norm, both of which are used as a residual stream uses them; the layer norm is that
  /// of rows with positions.
  private static func tokenNormCase(columns: Int, isLayer: Bool, weighted: Bool) -> OpCase {
    let index: [Int32] = [3, 0, -1, 6, 3, 3]
    let (start, length) = (2, index.count / 2)
    // Rows of one number, and those of zeros, are far from constant.
    let epsilon = columns < 4 || !isLayer ? 0.5 : 1e-5
    return OpCase(
      isLayer ? "tokenLayerNorm" : "tokenRMSNorm", "\(columns)" + (weighted ? "-weight" : ""),
      inputs: [OpInput("table", [7, columns])]
        + (isLayer ? [OpInput("positions", [length + 2, columns], .uniform(0...2))] : [])
        + (weighted ? [OpInput("weight", [columns])] : [])
        + (isLayer ? [OpInput("bias", [columns])] : []),
      tolerance: 1e-5,
      reference: { arrays in
        let ones = [Double](repeating: 1, count: columns)
        let weight = weighted ? arrays[isLayer ? 2 : 1].values : ones
        let bias = isLayer ? arrays[arrays.count - 1].values : ones.map { _ in 0 }
        let sums = rows(index, of: arrays[0], adding: isLayer ? arrays[1] : nil, from: start)
        var y = sums
        for row in 0..<index.count {
          let at = row * columns
          let elements = sums.values[at..<at + columns]
          let mean = isLayer ? elements.reduce(0, +) / Double(columns) : 0
          let squares = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
          let root = (squares / Double(columns) + epsilon).squareRoot()
          for (column, element) in elements.enumerated() {
            y[row / length, row % length, column] =
              (element - mean) / root * weight[column] + bias[column]
          }
        }
        return [sums, y]
      },
      run: { tape, v in
        let tokens = tape.backend.indices(index, [2, length])
        let source = TokenRows(
          of: v[0], at: tokens, addingPositions: isLayer ? v[1] : nil, from: start)
        let weight = weighted ? v[isLayer ? 2 : 1] : nil
        let (rows, norm) =
          isLayer
          ? source.layerNorm(weight: weight, bias: v[v.count - 1], epsilon: Float(epsilon))
          : source.rmsNorm(weight: weight, epsilon: Float(epsilon))
        return [rows, norm]
      })
  }

  /// The rows of two sequences.
  private static func rows(
    _ index: [Int32], of table: DoubleArray, adding positions: DoubleArray?, from start: Int
  ) -> DoubleArray {
    let (columns, length) = (table.shape[1], index.count / 2)
    var y = DoubleArray([2, length, columns])
    for (row, number) in index.enumerated() {
      for column in 0..<columns {
        let own = number < 0 ? 0 : table[Int(number), column]
        let added = positions.map { $0[start + row % length, column] } ?? 0
        y[row / length, row % length, column] = own + added
      }
    }
    return y
  }
}
