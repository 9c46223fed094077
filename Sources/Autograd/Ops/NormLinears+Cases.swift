extension OpCatalog {
  /// Linear maps of a norm, as mixers begin: rows that are a part of a tile and several tiles, rows that
  /// are narrower than one, maps that devices take together and some that they do not.
  static let normLinearsCases: [OpCase] = [
    NormLinears(rows: 1, inputs: 8, outputs: [8, 4]),
    NormLinears(rows: 150, inputs: 64, outputs: [12, 16, 36], isLayer: true),
    NormLinears(rows: 131, inputs: 128, outputs: [20, 24, 20], isLayer: true, isStream: true),
    NormLinears(rows: 6, inputs: 100, outputs: [36, 132, 40, 100], isStream: true),
    NormLinears(rows: 33, inputs: 20, outputs: [20, 12], isWeighted: false),
    NormLinears(rows: 7, inputs: 24, outputs: [8, 16], isWeighted: false, isLayer: true, uses: 2),
    NormLinears(rows: 40, inputs: 36, outputs: [36, 36], isStream: true, uses: 3),
    NormLinears(rows: 9, inputs: 5, outputs: [3, 4], isLayer: true),
    NormLinears(rows: 260, inputs: 20, outputs: [20, 2], isStream: true),
    NormLinears(rows: 5, inputs: 132, outputs: [8, 24]),
    NormLinears(rows: 133, inputs: 64, outputs: [1, 20, 36, 12, 8, 2], isLayer: true),
    NormLinears(rows: 40, inputs: 100, outputs: [100, 16, 60], isStream: true),
    NormLinears(rows: 20, inputs: 128, outputs: [7, 20, 132, 9], isStream: true),
    NormLinears(rows: 130, inputs: 128, outputs: [64, 64], isLayer: true, isStream: true),
    NormLinears(rows: 140, inputs: 128, outputs: [64, 128, 64]),
    NormLinears(
      rows: 193, inputs: 128, outputs: [128, 128, 128], isWeighted: false, isLayer: true),
    NormLinears(rows: 129, inputs: 128, outputs: [64, 64], isStream: true, uses: 3),
    NormLinears(rows: 150, inputs: 128, outputs: [64, 3, 64, 12], isLayer: true, isStream: true),
    NormLinears(rows: 131, inputs: 128, outputs: [256], isStream: true),
    NormLinears(rows: 132, inputs: 128, outputs: [256, 2, 128], isStream: true),
    NormLinears(rows: 131, inputs: 128, outputs: [256, 192, 64], isLayer: true),
  ].map(\.opCase)
}

/// Maps of a norm's result.
private struct NormLinears: Sendable {
  var rows: Int
  var inputs: Int
  var outputs: [Int]
  var isWeighted = true
  var isLayer = false
  /// Whether the norm is of a sum that goes on beside it, as in a residual stream.
  var isStream = false
  /// How many times the norm's result is used.
  var uses = 1

  private var epsilon: Float { 1e-3 }
  private var parameters: Int { (isWeighted ? 1 : 0) + (isBiased ? 1 : 0) }
  private var isBiased: Bool { isLayer && isWeighted }
  /// Where the weights of the maps begin.
  private var first: Int { 2 + parameters }

  private var label: String {
    let flags =
      (isLayer ? "-layer" : "") + (isStream ? "-stream" : "") + (uses > 1 ? "-\(uses)" : "")
    return "\(rows)x\(inputs)-" + outputs.map(String.init).joined(separator: "-") + flags
  }

  var opCase: OpCase {
    let norm = ["weight", "bias"].prefix(parameters).map { OpInput($0, [inputs]) }
    let maps = outputs.enumerated().map { OpInput("map\($0.offset)", [inputs, $0.element]) }
    return OpCase(
      "norm linears", label,
      inputs: [OpInput("x", [rows, inputs], .uniform(0...2)), OpInput("other", [rows, inputs])]
        + norm + maps,
      reference: reference, run: { _, inputs in run(inputs) })
  }

  private func run(_ inputs: [Variable]) -> [Variable] {
    let (weight, bias) = (isWeighted ? inputs[2] : nil, isBiased ? inputs[3] : nil)
    let (sum, norm) =
      isLayer
      ? inputs[0].layerNorm(adding: inputs[1], weight: weight, bias: bias, epsilon: epsilon)
      : inputs[0].rmsNorm(adding: inputs[1], weight: weight, epsilon: epsilon)
    var results = isStream ? [sum] : []
    for use in 0..<uses {
      // The second use is another operation.
      results += use == 1 ? [norm + sum] : norm.linears(Array(inputs[first...]))
    }
    return results
  }

  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    var (sum, norm, both) = (arrays[0], arrays[0], arrays[0])
    for row in 0..<rows {
      let elements = (0..<inputs).map { arrays[0][row, $0] + arrays[1][row, $0] }
      let mean = isLayer ? elements.reduce(0, +) / Double(inputs) : 0
      let squares = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let root = (squares / Double(inputs) + Double(epsilon)).squareRoot()
      for column in 0..<inputs {
        let weight = isWeighted ? arrays[2].values[column] : 1
        let bias = isBiased ? arrays[3].values[column] : 0
        sum[row, column] = elements[column]
        norm[row, column] = (elements[column] - mean) / root * weight + bias
        both[row, column] = norm[row, column] + elements[column]
      }
    }
    let maps = arrays[first...].map { norm.times($0) }
    var results = isStream ? [sum] : []
    for use in 0..<uses { results += use == 1 ? [both] : maps }
    return results
  }
}
