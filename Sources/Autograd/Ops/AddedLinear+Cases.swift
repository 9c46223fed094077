extension OpCatalog {
  /// Linear maps that end a branch, with the stream that takes them up: rows that fill a warp's tile and
  /// rows that do not, columns on both sides of what a device takes, and the map's result used again.
  static let addedLinearCases: [OpCase] = [
    AddedLinear(rows: 1, inputs: 16, columns: 16),
    AddedLinear(rows: 150, inputs: 64, columns: 64, norm: .rms),
    AddedLinear(rows: 131, inputs: 128, columns: 128, norm: .layer, isWeighted: true),
    AddedLinear(rows: 67, inputs: 20, columns: 36, norm: .layer, isBiased: true),
    AddedLinear(rows: 33, inputs: 100, columns: 128, norm: .rms, isWeighted: true, isBiased: true),
    AddedLinear(rows: 17, inputs: 128, columns: 20, isBiased: true),
    AddedLinear(
      rows: 40, inputs: 36, columns: 68, norm: .layer, isWeighted: true, isUsedAgain: true),
    AddedLinear(rows: 5, inputs: 5, columns: 7, norm: .rms),
    AddedLinear(rows: 9, inputs: 256, columns: 128, norm: .layer, isBiased: true),
    AddedLinear(rows: 9, inputs: 260, columns: 64, norm: .rms),
    AddedLinear(rows: 300, inputs: 48, columns: 32),
  ].map(\.opCase)
}

/// A case of them.
private struct AddedLinear: Sendable {
  enum Norm: String { case none, rms, layer }

  var rows: Int
  var inputs: Int
  var columns: Int
  var norm = Norm.none
  /// Whether the norm has a weight, and a bias where it can.
  var isWeighted = false
  /// Whether the map has one.
  var isBiased = false
  /// Whether the map's result goes elsewhere too.
  var isUsedAgain = false

  private var epsilon: Float { 1e-3 }
  private var parameters: Int { isWeighted ? norm == .layer ? 2 : 1 : 0 }

  var opCase: OpCase {
    let label =
      "\(rows)x\(inputs)x\(columns)-\(norm)" + (isWeighted ? "-weight" : "")
      + (isBiased ? "-bias" : "") + (isUsedAgain ? "-again" : "")
    let inputs =
      [
        OpInput("stream", [rows, columns], .uniform(0...2)), OpInput("x", [rows, self.inputs]),
        OpInput("map", [self.inputs, columns]),
      ] + (isBiased ? [OpInput("mapBias", [columns])] : [])
      + ["weight", "bias"].prefix(parameters).map { OpInput($0, [columns]) }
    return OpCase(
      "added linear", label, inputs: inputs, reference: reference, run: { _, v in run(v) })
  }

  private func run(_ inputs: [Variable]) -> [Variable] {
    let parameters = inputs.suffix(parameters)
    let branch = inputs[1].linear(inputs[2], bias: isBiased ? inputs[3] : nil, isAdded: true)
    let (weight, bias) = (parameters.first, parameters.count > 1 ? parameters.last : nil)
    var results: [Variable]
    switch norm {
    case .none: results = [inputs[0].adding(branch)]
    case .rms:
      let (sum, y) = inputs[0].rmsNorm(adding: branch, weight: weight, epsilon: epsilon)
      results = [sum, y]
    case .layer:
      let (sum, y) = inputs[0].layerNorm(
        adding: branch, weight: weight, bias: bias, epsilon: epsilon)
      results = [sum, y]
    }
    return isUsedAgain ? results + [branch.negated()] : results
  }

  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let parameters = arrays.suffix(parameters)
    let branch = arrays[1].times(arrays[2], from: isBiased ? arrays[3] : nil)
    var (sum, y, negative) = (arrays[0], arrays[0], arrays[0])
    for row in 0..<rows {
      let elements = (0..<columns).map { arrays[0][row, $0] + branch[row, $0] }
      let mean = norm == .layer ? elements.reduce(0, +) / Double(columns) : 0
      let squares = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let root = (squares / Double(columns) + Double(epsilon)).squareRoot()
      for column in 0..<columns {
        let weight = parameters.first?.values[column] ?? 1
        let bias = parameters.count > 1 ? parameters.last?.values[column] ?? 0 : 0
        sum[row, column] = elements[column]
        y[row, column] = (elements[column] - mean) / root * weight + bias
        negative[row, column] = -branch[row, column]
      }
    }
    return [sum] + (norm == .none ? [] : [y]) + (isUsedAgain ? [negative] : [])
  }
}
