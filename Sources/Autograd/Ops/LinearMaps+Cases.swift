import Tensors

/// Linear maps side by side: for each the input that it takes and the shape of its weight.
private struct MapsCase: Sendable {
  var variant: String
  var rows: Int
  /// The columns of each input.
  var inputs: [Int]
  var maps: [(input: Int, weight: [Int])]
  var isBiased = false

  private var opInputs: [OpInput] {
    inputs.map { OpInput("x", [rows, $0]) } + maps.map { OpInput("weight", $0.weight) }
      + (isBiased ? [OpInput("bias", [columns])] : [])
  }

  private var columns: Int {
    maps.reduce(0) { $0 + ($1.weight.count == 3 ? $1.weight[0] : 1) * ($1.weight.last ?? 0) }
  }

  private var flops: Double {
    maps.reduce(0) { $0 + 2 * Double(rows * $1.weight.reduce(1, *)) }
  }

  func opCase(checked: Bool = true) -> OpCase {
    OpCase(
      "linear maps", variant, inputs: opInputs, flops: flops,
      reference: checked ? reference : nil, run: { _, variables in [run(variables)] })
  }

  private func run(_ variables: [Variable]) -> Variable {
    let weights = variables.dropFirst(inputs.count)
    let linear = zip(maps, weights).map { map, weight in
      LinearMap(variables[map.input], weight)
    }
    guard isBiased else { return .sideBySide(linear) }
    return .sideBySide(linear, bias: variables[variables.count - 1])
  }

  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    var rowsOfResult = [[Double]](repeating: [], count: rows)
    for (index, map) in maps.enumerated() {
      let (x, weight) = (arrays[map.input], arrays[inputs.count + index])
      let shape = Array(map.weight.suffix(2))
      let blocks = map.weight.count == 3 ? map.weight[0] : 1
      for row in 0..<rows {
        for block in 0..<blocks {
          var own = [Double](repeating: 0, count: shape[1])
          for input in block * shape[0]..<(block + 1) * shape[0] {
            addMultiple(x[row, input], of: weight.values, input * shape[1], to: &own, 0, shape[1])
          }
          rowsOfResult[row] += own
        }
      }
    }
    var result = DoubleArray([rows, columns], rowsOfResult.flatMap(\.self))
    if isBiased {
      for row in 0..<rows {
        for column in 0..<columns { result[row, column] += arrays[arrays.count - 1][column] }
      }
    }
    return [result]
  }
}

extension OpCatalog {
  static let linearMapsCases: [OpCase] =
    sideBySideCases + biasedCases.map { $0.opCase() } + [sumCase]

  /// As the gates of the sLSTM.
  private static let biasedCases: [MapsCase] = [(5, 1, 3), (1, 2, 16), (19, 3, 16), (9, 2, 32)]
    .map { rows, heads, dim in
      let weight = [heads, dim, dim]
      return MapsCase(
        variant: "biased \(rows)x\(heads)x\(dim)", rows: rows,
        inputs: [heads * dim, heads * dim],
        maps: [(0, weight), (0, weight), (1, weight), (1, weight)], isBiased: true)
    }

  /// Three maps into one width, two of them of the same input.
  private static let sumCase = OpCase(
    "linear maps", "sum",
    inputs: [
      OpInput("x", [7, 5]), OpInput("y", [7, 3]), OpInput("weight", [5, 4]),
      OpInput("weight", [3, 4]), OpInput("weight", [5, 4]), OpInput("bias", [4]),
    ],
    reference: { arrays in
      var sum = DoubleArray([7, 4])
      for row in 0..<7 {
        for output in 0..<4 {
          var value = arrays[5][output]
          for (x, weight) in [(0, 2), (1, 3), (0, 4)] {
            for input in 0..<arrays[x].shape[1] {
              value += arrays[x][row, input] * arrays[weight][input, output]
            }
          }
          sum[row, output] = value
        }
      }
      return [sum]
    },
    run: { _, v in
      [.sum(of: [LinearMap(v[0], v[2]), LinearMap(v[1], v[3]), LinearMap(v[0], v[4])], bias: v[5])]
    })

  private static let sideBySideCases: [OpCase] = [
    MapsCase(variant: "dense", rows: 5, inputs: [6], maps: [(0, [6, 7])]),
    MapsCase(
      variant: "two inputs", rows: 9, inputs: [4, 4],
      maps: [(0, [4, 6]), (1, [4, 3]), (0, [4, 1])]),
    MapsCase(variant: "blocks", rows: 7, inputs: [12], maps: [(0, [3, 4, 4])]),
    MapsCase(
      variant: "blocks and dense", rows: 17, inputs: [6, 5],
      maps: [(0, [2, 3, 5]), (1, [5, 2]), (0, [6, 1, 1])]),
    MapsCase(
      variant: "blocks of the width of a vector", rows: 3, inputs: [32], maps: [(0, [2, 16, 16])]),
    MapsCase(
      variant: "small blocks, many rows", rows: 257, inputs: [8],
      maps: [(0, [2, 4, 4]), (0, [2, 4, 1])]),
    MapsCase(
      variant: "odd blocks, many rows", rows: 259, inputs: [9, 4],
      maps: [(0, [3, 3, 2]), (1, [1, 4, 3])]),
  ].map { $0.opCase() }

  /// The block-diagonal projections of the mLSTM, and the gates of the sLSTM.
  package static let linearMapsTimings: [OpCase] = [
    MapsCase(variant: "mLSTM values", rows: 4096, inputs: [128], maps: [(0, [32, 4, 4])]),
    MapsCase(
      variant: "sLSTM gates", rows: 4096, inputs: [64, 64],
      maps: [(0, [4, 16, 16]), (0, [4, 16, 16]), (1, [4, 16, 16]), (1, [4, 16, 16])]),
  ].map { $0.opCase(checked: false) }
}
