import Tensors

extension OpCatalog {
  /// What is bound by memory: activations of training, far larger than the caches.
  static let rowTimings: [OpCase] = [
    timing("add", 2) { $0[0] + $0[1] },
    timing("gate", 2) { $0[0].gated(by: $0[1], .silu) },
    timing("layerNorm", 1) { $0[0].layerNorm() },
    timing("rmsNorm", 1) { $0[0].rmsNorm() },
    timing("gatedNorm", 2) { $0[0].rmsNorm(weight: nil, gatedBy: $0[1], .silu) },
    timing("sigmoidPower", 1) { $0[0].sigmoid(toPower: 0.0625) },
  ]

  /// A case on so many inputs of one shape.
  private static func timing(
    _ op: String, _ inputs: Int, _ run: @escaping @Sendable ([Variable]) -> Variable
  ) -> OpCase {
    OpCase(
      op, "65536x128",
      inputs: (0..<inputs).map { _ in OpInput("x", [65536, 128]) }, reference: nil,
      run: { _, variables in [run(variables)] })
  }
}
