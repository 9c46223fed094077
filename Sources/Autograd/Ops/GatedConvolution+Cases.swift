import Tensors

/// A gated short convolution: sizes.
private struct GatedConvolutionCase: Sendable {
  var batch: Int
  var length: Int
  var channels: Int
  var taps: Int

  /// A case for values and gradients, or for speed only.
  func opCase(checked: Bool = true) -> OpCase {
    OpCase(
      "gatedConvolution", "B\(batch)-T\(length)-C\(channels)-taps\(taps)",
      inputs: [
        OpInput("x", [batch, length, channels]), OpInput("weight", [taps, channels]),
        OpInput("bias", [channels]), OpInput("gateWeight", [channels, channels]),
        OpInput("gateBias", [channels]),
      ],
      flops: 2 * Double(batch * length * channels) * Double(taps + channels),
      reference: checked ? reference : nil,
      run: { _, inputs in
        [
          inputs[0].gatedConvolution(
            weight: inputs[1], bias: inputs[2], gateWeight: inputs[3], gateBias: inputs[4])
        ]
      })
  }

  /// architectures.md 3.5, with zeros before the first position.
  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let x = arrays[0]
    var y = x
    for b in 0..<batch {
      for t in 0..<length {
        for c in 0..<channels {
          var sum = arrays[2][c]
          var gate = arrays[4][c]
          for j in 0..<min(taps, t + 1) { sum += arrays[1][j, c] * x[b, t - j, c] }
          for i in 0..<channels { gate += x[b, t, i] * arrays[3][i, c] }
          y[b, t, c] += sum * gate
        }
      }
    }
    return [y]
  }
}

extension OpCatalog {
  static let gatedConvolutionCases: [OpCase] = [
    GatedConvolutionCase(batch: 1, length: 1, channels: 3, taps: 3),
    GatedConvolutionCase(batch: 2, length: 9, channels: 5, taps: 1),
    GatedConvolutionCase(batch: 3, length: 4, channels: 8, taps: 2),
    GatedConvolutionCase(batch: 2, length: 7, channels: 4, taps: 3),
    GatedConvolutionCase(batch: 1, length: 19, channels: 12, taps: 3),
    GatedConvolutionCase(batch: 2, length: 6, channels: 3, taps: 8),
  ].map { $0.opCase() }

  /// A size that training uses, for speed.
  static let gatedConvolutionTimings: [OpCase] = [
    GatedConvolutionCase(batch: 64, length: 64, channels: 128, taps: 3).opCase(checked: false)
  ]
}
