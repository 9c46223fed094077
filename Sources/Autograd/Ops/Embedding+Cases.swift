import Tensors

extension OpCatalog {
  static let embeddingCases: [OpCase] =
    [1, 3, 16, 37].flatMap { columns -> [OpCase] in
      let entry = embeddingCase([3, 0, -1, 6, 3, 3], numbers: 7, columns: columns)
      return [entry, entry.ranTwice()]
    } + [
      // A large table, and one number that most rows have.
      embeddingCase(
        (0..<320).map { $0 % 3 == 1 ? Int32($0 * 7 % 41) - 1 : 17 }, numbers: 41, columns: 3),
      // So many rows of one number that whole blocks of a GPU have no other.
      embeddingCase(
        (0..<900).map { $0 % 8 == 1 ? Int32($0 * 7 % 41) - 1 : 17 }, numbers: 41, columns: 18),
    ]
    + [1, 3, 16].flatMap { columns -> [OpCase] in
      let entry = embeddingCase(
        [3, 0, -1, 6, -1, 5], numbers: 7, columns: columns, distinct: true)
      return [entry, entry.ranTwice()]
    }
    + [1, 3, 16].flatMap { columns -> [OpCase] in
      let entry = positionsCase([3, 0, -1, 6, 3, 3], numbers: 7, columns: columns)
      return [entry, entry.ranTwice()]
    }
    + [1, 3, 16].flatMap { columns -> [OpCase] in
      let entry = sumCase([3, 0, -1, 6, -1, 5], numbers: 7, columns: columns)
      return [entry, entry.ranTwice()]
    }

  private static func sumCase(_ index: [Int32], numbers: Int, columns: Int) -> OpCase {
    OpCase(
      "gatheringRows", "\(index.count)x\(columns)-sum",
      inputs: [OpInput("x", [numbers, columns]), OpInput("y", [numbers, columns])],
      tolerance: 1e-6,
      reference: { arrays in
        var y = DoubleArray([index.count, columns])
        for (row, number) in index.enumerated() where number >= 0 {
          for column in 0..<columns {
            y[row, column] = arrays[0][Int(number), column] + arrays[1][Int(number), column]
          }
        }
        return [y]
      },
      run: { tape, inputs in
        let places = tape.backend.indices(index, [index.count])
        return [inputs[0].gatheringRows(ofSumWith: inputs[1], at: places)]
      })
  }

  /// Two sequences of three tokens from the second of five positions on.
  private static func positionsCase(_ index: [Int32], numbers: Int, columns: Int) -> OpCase {
    let (start, length, positions) = (1, index.count / 2, 5)
    return OpCase(
      "gatheringRows", "\(index.count)x\(columns)-positions",
      inputs: [OpInput("table", [numbers, columns]), OpInput("positions", [positions, columns])],
      tolerance: 1e-6,
      reference: { arrays in
        var y = DoubleArray([2, length, columns])
        for (row, number) in index.enumerated() {
          for column in 0..<columns {
            let own = number < 0 ? 0 : arrays[0][Int(number), column]
            y[row / length, row % length, column] =
              own + arrays[1][start + row % length, column]
          }
        }
        return [y]
      },
      run: { tape, inputs in
        let tokens = tape.backend.indices(index, [2, length])
        return [inputs[0].gatheringRows(at: tokens, addingPositions: inputs[1], from: start)]
      })
  }

  private static func embeddingCase(
    _ index: [Int32], numbers: Int, columns: Int, distinct: Bool = false
  ) -> OpCase {
    let half = index.count / 2
    return OpCase(
      "gatheringRows", "\(index.count)x\(columns)" + (distinct ? "-distinct" : ""),
      inputs: [OpInput("table", [numbers, columns])], tolerance: 1e-7,
      reference: { arrays in
        var y = DoubleArray([2, half, columns])
        for (row, number) in index.enumerated() where number >= 0 {
          for column in 0..<columns {
            y[row / half, row % half, column] = arrays[0][Int(number), column]
          }
        }
        return [y]
      },
      run: { tape, inputs in
        let rows = tape.backend.indices(index, [2, half])
        return [
          inputs[0].gatheringRows(at: rows, shape: [2, half, columns], distinct: distinct)
        ]
      })
  }
}
