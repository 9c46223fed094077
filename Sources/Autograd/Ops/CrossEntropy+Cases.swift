import Randomness
import Tensors

extension OpCatalog {
  /// Padding, tiles of odd sizes, more rows than one tile holds, a bias or none; vocabularies and
  /// widths on both sides of where a device changes its ways.
  static let crossEntropyCases: [OpCase] = [
    (rows: 1, width: 1, vocabulary: 1, bias: true), (7, 5, 3, false), (63, 3, 37, true),
    (65, 17, 16, false), (18, 6, 100, true), (5, 4, 300, true),
    (70, 20, 330, false), (21, 70, 270, true), (3, 130, 140, true),
  ].map { rows, width, vocabulary, bias in
    crossEntropyCase(
      rows: rows, width: width, vocabulary: vocabulary, bias: bias,
      reference: { crossEntropyReference($0, targets: targets(rows, vocabulary)) })
  }

  /// The head as training sees it.
  package static let crossEntropyTimings: [OpCase] = [
    (rows: 256, width: 64, vocabulary: 8192), (512, 64, 256), (4096, 128, 8192),
  ].map { rows, width, vocabulary in
    crossEntropyCase(
      rows: rows, width: width, vocabulary: vocabulary, bias: false, reference: nil)
  }

  private static func crossEntropyCase(
    rows: Int, width: Int, vocabulary: Int, bias: Bool,
    reference: (@Sendable ([DoubleArray]) -> [DoubleArray])?
  ) -> OpCase {
    let biasInput = bias ? [OpInput("bias", [vocabulary])] : []
    return OpCase(
      "cross-entropy", "\(rows)x\(width)x\(vocabulary)" + (bias ? "-bias" : ""),
      inputs: [OpInput("hidden", [rows, width]), OpInput("weight", [vocabulary, width])]
        + biasInput,
      flops: 2 * Double(rows * width * vocabulary),
      reference: reference,
      run: { tape, inputs in
        let upstream = Upstream()
        let scaled = inputs.map { upstream.scaling($0) }
        let backend = tape.backend
        let result = scaled[0].crossEntropy(
          weight: scaled[1], bias: bias ? scaled[2] : nil,
          targets: backend.indices(targets(rows, vocabulary), [rows]),
          scale: backend.tensor([scale], [1]))
        let scales = backend.empty([1, rows])
        backend.fill(scales, with: scale)
        let total = backend.empty([1])
        backend.dotRows(
          result.losses.reshaped([1, rows]), scales, into: total, accumulate: false)
        return [upstream.source(total, of: scaled)]
      })
  }

  private static let scale: Float = 0.25

  /// Every fifth row is padding, but never the first.
  private static func targets(_ rows: Int, _ vocabulary: Int) -> [Int32] {
    (0..<rows).map { $0 % 5 == 4 ? -1 : Int32(($0 * 7 + 2) % vocabulary) }
  }

  private static func crossEntropyReference(
    _ arrays: [DoubleArray], targets: [Int32]
  ) -> [DoubleArray] {
    let (hidden, weight) = (arrays[0], arrays[1])
    let (vocabulary, width) = (weight.shape[0], weight.shape[1])
    var total = 0.0
    for (row, target) in targets.enumerated() where target >= 0 {
      let logits = (0..<vocabulary).map { token in
        (arrays.count > 2 ? arrays[2].values[token] : 0)
          + dot(hidden.values, row * width, weight.values, token * width, width)
      }
      let greatest = logits.reduce(-.infinity, max)
      let sum = logits.reduce(0) { $0 + PortableMath.exp($1 - greatest) }
      total += PortableMath.log(sum) + greatest - logits[Int(target)]
    }
    return [DoubleArray([1], [Double(scale) * total])]
  }
}

/// Gives a loss, whose gradients are those of upstream 1, the random upstream of a check: the
/// inputs pass through nodes that scale their gradients by it.
private final class Upstream {
  private var gradient: Tensor?

  /// The output whose incoming gradient is used; its node is played before all others.
  func source(_ value: Tensor, of inputs: [Variable]) -> Variable {
    inputs[0].tape.result(value, of: inputs) { self.gradient = $0 }
  }

  func scaling(_ input: Variable) -> Variable {
    let backend = input.tape.backend
    return input.tape.result(input.value, of: [input]) { gradient in
      guard let factor = self.gradient else { return }
      input.contribute { target, accumulate in
        let row = [1, gradient.count]
        backend.scaleRows(
          gradient.reshaped(row), by: factor, into: target.reshaped(row), accumulate: accumulate)
      }
    }
  }
}
