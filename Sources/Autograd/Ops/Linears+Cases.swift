extension OpCatalog {
  /// One map and many, more than devices take at once; columns that are and are not multiples of
  /// 8, wide and narrow side by side; few rows and more than a tile.
  static let linearsCases: [OpCase] =
    [
      LinearsShape(lead: [1], inputs: 8, outputs: [8]),
      LinearsShape(lead: [7], inputs: 5, outputs: [3, 1, 4]),
      LinearsShape(lead: [2, 65], inputs: 64, outputs: [64, 64, 64]),
      LinearsShape(lead: [3, 50], inputs: 40, outputs: [24, 72, 136, 8]),
      LinearsShape(lead: [33], inputs: 136, outputs: [16, 8, 16, 8, 24]),
      LinearsShape(lead: [130], inputs: 16, outputs: [16, 6]),
      LinearsShape(lead: [300], inputs: 24, outputs: [16, 32]),
      LinearsShape(lead: [8, 128], inputs: 16, outputs: [20]),
      LinearsShape(lead: [3, 97], inputs: 40, outputs: [24, 136, 2, 7]),
      LinearsShape(lead: [257], inputs: 100, outputs: [100, 1]),
      LinearsShape(lead: [259], inputs: 256, outputs: [8, 16, 16]),
      LinearsShape(lead: [256], inputs: 180, outputs: [3, 16, 9]),
      LinearsShape(lead: [260], inputs: 20, outputs: [2, 12, 20, 3, 16, 8, 24]),
    ].map { linearsCase($0, uses: 1) }
    + [
      LinearsShape(lead: [13], inputs: 16, outputs: [8, 24]),
      LinearsShape(lead: [131], inputs: 180, outputs: [8, 16, 12]),
      LinearsShape(lead: [131], inputs: 180, outputs: [24, 3, 40]),
      LinearsShape(lead: [131], inputs: 36, outputs: [8, 12]),
    ].map { linearsCase($0, uses: 2) }

  /// The projections of mixers with heads, at training's sizes.
  package static let linearsTimings: [OpCase] = [(4096, 64), (16384, 128)].map { rows, width in
    let shape = LinearsShape(lead: [rows], inputs: width, outputs: [width, width, width])
    return linearsCase(shape, uses: 1, measured: true)
  }

  /// With `uses` of the same inputs, whose gradients add up.
  private static func linearsCase(
    _ shape: LinearsShape, uses: Int, measured: Bool = false
  ) -> OpCase {
    let reference: @Sendable ([DoubleArray]) -> [DoubleArray] = { arrays in
      let once = arrays.dropFirst().map { arrays[0].times($0) }
      return Array([[DoubleArray]](repeating: once, count: uses).joined())
    }
    let run: @Sendable (Tape, [Variable]) -> [Variable] = { _, inputs in
      var outputs: [Variable] = []
      for _ in 0..<uses { outputs += inputs[0].linears(Array(inputs.dropFirst())) }
      return outputs
    }
    return OpCase(
      "linears", shape.label + (uses > 1 ? "-shared" : ""), inputs: shape.opInputs,
      flops: Double(uses) * shape.flops, reference: measured ? nil : reference, run: run)
  }
}

/// What a case of `linears` is made of.
private struct LinearsShape: Sendable {
  var lead: [Int]
  var inputs: Int
  var outputs: [Int]

  var rows: Int { lead.reduce(1, *) }
  var flops: Double { 2 * Double(rows * inputs * outputs.reduce(0, +)) }
  var label: String {
    (lead + [inputs]).map(String.init).joined(separator: "x") + "-"
      + outputs.map(String.init).joined(separator: "-")
  }
  var opInputs: [OpInput] {
    [OpInput("x", lead + [inputs])]
      + outputs.enumerated().map { OpInput("weight\($0.offset)", [inputs, $0.element]) }
  }
}
