extension OpCatalog {
  static let reshapeCases: [OpCase] = [
    // The gradient is passed on unchanged and shared: the square adds to the same one.
    OpCase(
      "reshaped", "3x4-2x6", inputs: [OpInput("x", [3, 4])], tolerance: 1e-6,
      reference: { [DoubleArray([2, 6], $0[0].values.map { 2 * $0 + $0 * $0 })] },
      run: { _, inputs in
        let view = inputs[0].reshaped([2, 6])
        return [view + view + inputs[0].square().reshaped([2, 6])]
      })
  ]
}
