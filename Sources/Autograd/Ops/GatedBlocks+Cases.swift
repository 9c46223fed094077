extension OpCatalog {
  static let gatedBlocksCases: [OpCase] =
    [(1, 2, 3, 2), (5, 3, 2, 3), (3, 32, 4, 8), (9, 64, 4, 2), (2, 64, 4, 4)].map {
      gatedBlocksCase(rows: $0.0, blocks: $0.1, size: $0.2, gates: $0.3)
    }

  private static func gatedBlocksCase(rows: Int, blocks: Int, size: Int, gates: Int) -> OpCase {
    let width = blocks * size
    let square = [blocks, size, size]
    return OpCase(
      "gated blocks", "\(rows)x\(blocks)x\(size)-\(gates)",
      inputs: [OpInput("x", [rows, width]), OpInput("z", [rows, width])]
        + ["query", "key", "value"].map { OpInput($0, square) }
        + ["query gates", "key gates", "value gates"].map { OpInput($0, [width, gates]) }
        + [OpInput("bias", [gates])],
      reference: { arrays in
        var vectors = [DoubleArray](repeating: DoubleArray([rows, width]), count: 3)
        var sum = DoubleArray([rows, gates])
        for row in 0..<rows {
          for gate in 0..<gates { sum[row, gate] = arrays[8][gate] }
          for kind in 0..<3 {
            let (x, weight, toGates) = (arrays[kind / 2], arrays[2 + kind], arrays[5 + kind])
            for column in 0..<width {
              let (block, output) = (column / size, column % size)
              let value = (0..<size).reduce(0) { total, input in
                let place = (block * size + input) * size + output
                return total + x[row, block * size + input] * weight.values[place]
              }
              vectors[kind][row, column] = value
              for gate in 0..<gates { sum[row, gate] += value * toGates[column, gate] }
            }
          }
        }
        return vectors + [sum]
      },
      run: { _, v in
        let maps = GatedBlocks(blocks: Array(v[2..<5]), gates: Array(v[5..<8]), bias: v[8])
        let (vectors, sum) = maps(v[0], values: v[1])
        return vectors + [sum]
      })
  }
}
