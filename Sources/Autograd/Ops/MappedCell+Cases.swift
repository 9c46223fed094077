import Tensors

/// A cell whose gates are block-diagonal maps of two inputs, as in the sLSTM.
private struct MappedCellCase: Sendable {
  var cell: CellCase

  private var heads: Int { cell.heads }
  private var dim: Int { cell.dim }

  func opCase() -> OpCase {
    let rows = [cell.batch, cell.length, cell.width]
    let law = OpInput.Law.normal(scale: 1 / Double(dim).squareRoot())
    return OpCase(
      "cell", "of maps \(cell.kind)-B\(cell.batch)-T\(cell.length)-H\(heads)-D\(dim)",
      inputs: [OpInput("x", rows), OpInput("z", rows)]
        + (0..<4).map { _ in OpInput("weight", [heads, dim, dim], law) }
        + [
          OpInput("bias", [4 * cell.width]), OpInput("recurrent", [heads, dim, 4, dim], law),
        ],
      reference: reference,
      run: { _, inputs in
        let maps = (0..<4).map { LinearMap(inputs[$0 / 2], inputs[2 + $0]) }
        return [
          Variable.recurrentCell(
            cell.kind, heads: heads, of: maps, bias: inputs[6], recurrent: inputs[7]
          ).outputs
        ]
      })
  }

  /// The maps, gate after gate, then the cell.
  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let (width, rows) = (cell.width, cell.batch * cell.length)
    var gates = DoubleArray([rows, 4 * width])
    for row in 0..<rows {
      for column in 0..<4 * width {
        let (gate, head, output) = (column / width, column % width / dim, column % dim)
        var sum = arrays[6][column]
        for input in 0..<dim {
          sum +=
            arrays[gate / 2].values[row * width + head * dim + input]
            * arrays[2 + gate].values[(head * dim + input) * dim + output]
        }
        gates[row, column] = sum
      }
    }
    return cell.reference([gates, arrays[7]])
  }
}

extension OpCatalog {
  /// Also heads of other sizes and more of them, which go without the kernels for these.
  static let mappedCellCases: [OpCase] = [
    (RecurrentCell.slstm, 3, 4, 3, 16), (.lstm, 9, 1, 1, 16), (.slstm, 2, 5, 2, 32),
    (.slstm, 1, 13, 4, 16), (.slstm, 2, 3, 5, 16), (.slstm, 2, 3, 2, 3),
  ].map { kind, batch, length, heads, dim in
    MappedCellCase(
      cell: CellCase(kind: kind, batch: batch, length: length, heads: heads, dim: dim)
    ).opCase()
  }
}
