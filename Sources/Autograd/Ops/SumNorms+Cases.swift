extension OpCatalog {
  static let sumNormCases: [OpCase] =
    [(1, 1), (9, 3), (5, 16), (3, 33), (6, 64), (2, 130), (1, 1100)].enumerated().map {
      sumNormCase($0, rows: $1.0, columns: $1.1)
    }

  /// Both results are used, as a residual stream uses them; every other case is a layer norm.
  private static func sumNormCase(_ index: Int, rows: Int, columns: Int) -> OpCase {
    let isLayer = index % 2 == 1
    let weighted = index % 4 < 2
    let epsilon = columns < 4 ? 0.5 : 1e-5
    let inputs =
      [OpInput("x", [rows, columns], .uniform(0...2)), OpInput("other", [rows, columns])]
      + (weighted ? [OpInput("weight", [columns])] : [])
      + (isLayer ? [OpInput("bias", [columns])] : [])
    return OpCase(
      isLayer ? "sumLayerNorm" : "sumRMSNorm", "\(rows)x\(columns)" + (weighted ? "-weight" : ""),
      inputs: inputs, tolerance: 1e-5,
      reference: { arrays in
        let weight = weighted ? arrays[2].values : [Double](repeating: 1, count: columns)
        let bias =
          isLayer ? arrays[arrays.count - 1].values : [Double](repeating: 0, count: columns)
        var (sum, y) = (arrays[0], arrays[0])
        for row in 0..<rows {
          let elements = (0..<columns).map { arrays[0][row, $0] + arrays[1][row, $0] }
          let mean = isLayer ? elements.reduce(0, +) / Double(columns) : 0
          let squares = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
          let root = (squares / Double(columns) + epsilon).squareRoot()
          for column in 0..<columns {
            sum[row, column] = elements[column]
            y[row, column] = (elements[column] - mean) / root * weight[column] + bias[column]
          }
        }
        return [sum, y]
      },
      run: { _, v in
        let weight = weighted ? v[2] : nil
        let (sum, norm) =
          isLayer
          ? v[0].layerNorm(
            adding: v[1], weight: weight, bias: v[v.count - 1], epsilon: Float(epsilon))
          : v[0].rmsNorm(adding: v[1], weight: weight, epsilon: Float(epsilon))
        return [sum, norm]
      })
  }
}
