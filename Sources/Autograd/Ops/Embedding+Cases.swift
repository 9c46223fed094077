import Tensors

extension OpCatalog {
  static let embeddingCases: [OpCase] = [1, 3, 16, 37].flatMap { columns -> [OpCase] in
    let index: [Int32] = [3, 0, -1, 6, 3, 3]
    let entry = OpCase(
      "gatheringRows", "6x\(columns)", inputs: [OpInput("table", [7, columns])],
      tolerance: 1e-7,
      reference: { arrays in
        var y = DoubleArray([2, 3, columns])
        for (row, number) in index.enumerated() where number >= 0 {
          for column in 0..<columns {
            y[row / 3, row % 3, column] = arrays[0][Int(number), column]
          }
        }
        return [y]
      },
      run: { tape, inputs in
        let rows = tape.backend.indices(index, [2, 3])
        return [inputs[0].gatheringRows(at: rows, shape: [2, 3, columns])]
      })
    return [entry, entry.ranTwice()]
  }
}
