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
  /// Whether the result is multiplied by the inputs, whose gradient is then a sum.
  var isGated = false

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
    let options =
      (hasBias ? "-bias" : "") + (isSegment ? "-segment" : "")
      + (isGated ? "-gated" : "")
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
    return [isGated ? y * inputs[0] : y]
  }

  /// architectures.md §1.3 P7, over the inputs with the previous segment's put before them.
  func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
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
          y[b, t, c] = activation.exact(sum) * (isGated ? arrays[0][b, t, c] : 1)
        }
      }
    }
    return [y]
  }
}

/// Convolutions side by side: the channels of each, of which the units' heads have length 1.
private struct ConvolutionsCase: Sendable {
  var batch: Int
  var length: Int
  var channels: [Int]
  var units: Int
  var head: Int
  var width = 4
  var activation = Elementwise.silu
  var hasBias = false

  /// A case for values and gradients, or for speed only.
  func opCase(checked: Bool = true) -> OpCase {
    let shapes = channels.map(String.init).joined(separator: "+")
    return OpCase(
      "shortConvolutions",
      "B\(batch)-T\(length)-C\(shapes)-width\(width)-\(activation)-units\(units)x\(head)"
        + (hasBias ? "-bias" : ""),
      inputs: channels.indices.flatMap { index in
        let name = { (name: String) in name + String(index) }
        return [
          OpInput(name("x"), [batch, length, channels[index]]),
          OpInput(name("weight"), [width, channels[index]]),
        ] + (hasBias ? [OpInput(name("bias"), [channels[index]])] : [])
      },
      flops: 2 * Double(batch * length * channels.reduce(0, +) * width),
      reference: checked ? reference : nil,
      run: { _, inputs in
        Variable.shortConvolutions(
          channels.indices.map { index in
            let first = index * perTensor
            return ShortConvolution(
              input: inputs[first], weight: inputs[first + 1],
              bias: hasBias ? inputs[first + 2] : nil, isUnit: index < units)
          }, activation: activation, unitHeads: head, epsilon: epsilon)
      })
  }

  private var perTensor: Int { hasBias ? 3 : 2 }
  /// So great that it counts: the norm takes all but that out of the gradient along the head.
  private var epsilon: Float { 0.01 }

  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    channels.indices.map { index in
      let single = ConvolutionCase(
        batch: batch, length: length, channels: channels[index], width: width,
        activation: activation, hasBias: hasBias)
      let first = index * perTensor
      var y = single.reference(Array(arrays[first..<first + perTensor]))[0]
      guard index < units else { return y }
      for start in stride(from: 0, to: y.values.count, by: head) {
        let squares = y.values[start..<start + head].reduce(0) { $0 + $1 * $1 }
        for place in start..<start + head {
          y.values[place] /= (squares + Double(epsilon)).squareRoot()
        }
      }
      return y
    }
  }
}

extension OpCatalog {
  private static let convolutionsCases: [OpCase] = [
    ConvolutionsCase(batch: 2, length: 9, channels: [8, 8, 16], units: 2, head: 4),
    ConvolutionsCase(batch: 1, length: 37, channels: [32, 32, 20], units: 2, head: 16, width: 3),
    ConvolutionsCase(batch: 3, length: 5, channels: [6, 6, 3, 2, 5], units: 2, head: 2),
    ConvolutionsCase(batch: 2, length: 9, channels: [8, 8, 16], units: 2, head: 4, width: 8),
    ConvolutionsCase(batch: 7, length: 3, channels: [16, 16, 8], units: 2, head: 8),
    ConvolutionsCase(
      batch: 1, length: 6, channels: [12, 12], units: 1, head: 12, width: 2, hasBias: true),
    ConvolutionsCase(
      batch: 2, length: 3, channels: [128, 128, 64], units: 2, head: 128, hasBias: true),
    ConvolutionsCase(
      batch: 1, length: 4, channels: [7, 9], units: 0, head: 1, width: 1, activation: .gelu),
  ].map { $0.opCase() }

  static let convolutionCases: [OpCase] = singleConvolutionCases + convolutionsCases

  private static let singleConvolutionCases: [OpCase] = [
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
    ConvolutionCase(batch: 2, length: 7, channels: 8, width: 4, hasBias: true, isGated: true),
    ConvolutionCase(batch: 9, length: 2, channels: 8, width: 4, hasBias: true, isGated: true),
    ConvolutionCase(batch: 2, length: 4, channels: 3, width: 7, hasBias: true, isSegment: true),
  ].map { $0.opCase() }

  /// Sizes that training uses, for speed.
  package static let convolutionTimings: [OpCase] =
    [64, 256].map { channels in
      ConvolutionCase(batch: 64, length: 64, channels: channels, width: 4, hasBias: true)
        .opCase(checked: false)
    }
    + [
      ConvolutionsCase(
        batch: 64, length: 64, channels: [128, 128, 128], units: 2, head: 64
      ).opCase(checked: false)
    ]
}
