import Tensors

/// A short convolution: sizes and options.
private struct ConvolutionCase: Sendable {
  var batch: Int
  var length: Int
  var channels: Int
  var width: Int
  var activation = Elementwise.silu
  var hasBias = false
  /// With the inputs of an earlier segment.
  var isSegment = false

  private var inputs: [OpInput] {
    var inputs = [
      OpInput("x", [batch, length, channels]), OpInput("weight", [width, channels]),
    ]
    if hasBias { inputs.append(OpInput("bias", [channels])) }
    if isSegment {
      inputs.append(OpInput("previous", [batch, width - 1, channels], differentiable: false))
    }
    return inputs
  }

  private var variant: String {
    let options = (hasBias ? "-bias" : "") + (isSegment ? "-segment" : "")
    return "B\(batch)-T\(length)-C\(channels)-width\(width)-\(activation)" + options
  }

  /// A case for values and gradients, or for speed only.
  func opCase(checked: Bool = true) -> OpCase {
    OpCase(
      "shortConvolution", variant, inputs: inputs,
      flops: 2 * Double(batch * length * channels * width),
      reference: checked ? reference : nil,
      run: { _, inputs in run(inputs) })
  }

  private func run(_ inputs: [Variable]) -> [Variable] {
    let (y, _) = inputs[0].shortConvolution(
      weight: inputs[1], bias: hasBias ? inputs[2] : nil, activation: activation,
      previous: isSegment ? inputs.last : nil)
    return [y]
  }

  /// architectures.md §1.3 P7, over the inputs with the previous segment's put before them.
  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let reach = width - 1
    var padded = DoubleArray([batch, reach + length, channels])
    for b in 0..<batch {
      for t in 0..<reach + length {
        for c in 0..<channels {
          if t >= reach {
            padded[b, t, c] = arrays[0][b, t - reach, c]
          } else if isSegment {
            padded[b, t, c] = arrays[arrays.count - 1][b, t, c]
          }
        }
      }
    }
    var y = DoubleArray([batch, length, channels])
    for b in 0..<batch {
      for c in 0..<channels {
        for t in 0..<length {
          var sum = hasBias ? arrays[2][c] : 0
          for j in 0..<width { sum += arrays[1][j, c] * padded[b, reach + t - j, c] }
          y[b, t, c] = activation.exact(sum)
        }
      }
    }
    return [y]
  }
}

extension OpCatalog {
  static let convolutionCases: [OpCase] = [
    ConvolutionCase(batch: 2, length: 9, channels: 3, width: 1, activation: .identity),
    ConvolutionCase(batch: 1, length: 7, channels: 5, width: 2, isSegment: true),
    ConvolutionCase(batch: 3, length: 1, channels: 4, width: 3, hasBias: true, isSegment: true),
    ConvolutionCase(
      batch: 1, length: 5, channels: 17, width: 3, activation: .identity, hasBias: true),
    ConvolutionCase(batch: 2, length: 13, channels: 3, width: 4),
    ConvolutionCase(batch: 2, length: 2, channels: 5, width: 4, hasBias: true, isSegment: true),
    ConvolutionCase(
      batch: 1, length: 3, channels: 20, width: 4, activation: .identity, isSegment: true),
    ConvolutionCase(batch: 1, length: 1, channels: 16, width: 4, activation: .gelu, hasBias: true),
    ConvolutionCase(batch: 1, length: 11, channels: 3, width: 7, activation: .gelu),
    ConvolutionCase(batch: 2, length: 4, channels: 3, width: 7, hasBias: true, isSegment: true),
  ].map { $0.opCase() }

  /// Sizes that training uses, for speed.
  package static let convolutionTimings: [OpCase] = [64, 256].map { channels in
    ConvolutionCase(batch: 64, length: 64, channels: channels, width: 4, hasBias: true)
      .opCase(checked: false)
  }
}
