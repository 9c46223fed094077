import Tensors

extension OpCatalog {
  static let embeddingCases: [OpCase] =
    [1, 3, 16, 37].flatMap { columns -> [OpCase] in
      let entry = embeddingCase([3, 0, -1, 6, 3, 3], numbers: 7, columns: columns)
      return [entry, entry.ranTwice()]
    }
    + largeCases
    + [1, 3, 16].flatMap { columns -> [OpCase] in
      let entry = embeddingCase(
        [3, 0, -1, 6, -1, 5], numbers: 7, columns: columns, distinct: true)
      return [entry, entry.ranTwice()]
    }
    + [3, 16].flatMap { columns in
      // Several blocks of a GPU, the last of which is not full.
      [
        embeddingCase(scattered, numbers: 149, columns: columns, distinct: true),
        sumCase(scattered, numbers: 149, columns: columns),
      ]
    }
    + [3, 16].flatMap { columns in
      [true, false].map {
        besideCase(scattered, numbers: 149, columns: columns, sumFirst: $0)
      }
    }
    + [1, 3, 16].flatMap { columns -> [OpCase] in
      let entry = sumCase([3, 0, -1, 6, -1, 5], numbers: 7, columns: columns)
      return [entry, entry.ranTwice()]
    }

  /// A large table, and one number that most rows have; so many rows of one number that whole blocks of
  /// a GPU have no other; so many that they are sorted by kernels of their own, also with numbers that
  /// have from 150 to 355 rows.
  private static let largeCases: [OpCase] = [
    embeddingCase(mostlySame(320, others: 3), numbers: 41, columns: 3),
    embeddingCase(mostlySame(900, others: 8), numbers: 41, columns: 18),
    embeddingCase(mostlySame(4200, others: 8), numbers: 41, columns: 5),
    embeddingCase(squares(4100), numbers: 41, columns: 4),
  ]

  /// Numbers below 41, 22 of them: squares modulo 41, and others.
  static func squares(_ count: Int) -> [Int32] {
    (0..<count).map { (row: Int) -> Int32 in
      let number = row % 4 == 1 ? row % 5 : row * row % 41
      return Int32(number)
    }
  }

  /// Numbers below 41 of which all are 17 but one of `others`.
  private static func mostlySame(_ count: Int, others: Int) -> [Int32] {
    (0..<count).map { (row: Int) -> Int32 in
      row % others == 1 ? Int32(row * 7 % 41) - 1 : 17
    }
  }

  /// No two numbers are equal but for -1.
  private static let scattered = (0..<40).map { $0 % 5 == 4 ? -1 : Int32($0 * 13 % 149) }

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

  /// Rows of what others use too, one of which shares its gradient with another variable: rows' shares
  /// wait for those of the others.
  private static func besideCase(
    _ index: [Int32], numbers: Int, columns: Int, sumFirst: Bool
  ) -> OpCase {
    OpCase(
      "gatheringRows", "\(index.count)x\(columns)-beside-" + (sumFirst ? "sum" : "function"),
      inputs: [OpInput("x", [numbers, columns]), OpInput("y", [numbers, columns])],
      tolerance: 1e-6,
      reference: { arrays in
        var rows = DoubleArray([index.count, columns])
        for (row, number) in index.enumerated() where number >= 0 {
          for column in 0..<columns { rows[row, column] = arrays[0][Int(number), column] }
        }
        let (x, y) = (arrays[0].values, arrays[1].values)
        let function = DoubleArray(arrays[0].shape, x.map { Elementwise.tanh.exact($0) })
        let sum = DoubleArray(arrays[0].shape, zip(x, y).map { $0 + $1 })
        return [function, sum, rows]
      },
      run: { tape, inputs in
        let places = tape.backend.indices(index, [index.count])
        // The way back meets the rows first, then what was made last.
        let (function, sum): (Variable, Variable)
        if sumFirst {
          sum = inputs[0] + inputs[1]
          function = inputs[0].tanh()
        } else {
          function = inputs[0].tanh()
          sum = inputs[0] + inputs[1]
        }
        let rows = inputs[0].gatheringRows(
          at: places, shape: [index.count, columns], distinct: true)
        return [function, sum, rows]
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
