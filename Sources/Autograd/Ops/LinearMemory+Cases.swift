import Platform
import Tensors

/// A normaliser: sizes and options.
private struct NormaliserCase: Sendable {
  var batch: Int
  var length: Int
  var heads: Int
  var dim: Int
  var hasDecay = false
  var isStabilised = false
  var isSegment = false

  private var positive: OpInput.Law { .uniform(0.1...1) }
  private var rows: [Int] { [batch, length, heads] }

  private var inputs: [OpInput] {
    // A divisor near 0 has no gradient to speak of; with a stabiliser it may have any sign.
    let law = isStabilised ? OpInput.Law.normal(scale: 1) : positive
    var inputs = [OpInput("q", rows + [dim], law), OpInput("k", rows + [dim], law)]
    if hasDecay { inputs.append(OpInput("decay", rows, .uniform(0...1))) }
    if isStabilised {
      inputs.append(OpInput("stabiliser", rows, .uniform(-1...1), differentiable: false))
    }
    if isSegment {
      inputs.append(OpInput("initial", [batch, heads, dim], law, differentiable: false))
    }
    return inputs
  }

  /// The optional inputs in the order above.
  private func options<Input>(_ inputs: [Input]) -> (decay: Input?, m: Input?, initial: Input?) {
    var rest = inputs.dropFirst(2)
    let decay = hasDecay ? rest.popFirst() : nil
    let stabiliser = isStabilised ? rest.popFirst() : nil
    return (decay, stabiliser, rest.popFirst())
  }

  func opCase(checked: Bool = true) -> OpCase {
    let flags = (hasDecay ? "-decay" : "") + (isStabilised ? "-m" : "")
    return OpCase(
      "normaliser", "B\(batch)-T\(length)-H\(heads)-K\(dim)" + flags + (isSegment ? "-state" : ""),
      inputs: inputs, flops: 4 * Double(batch * length * heads * dim),
      reference: checked ? reference : nil, run: { _, inputs in run(inputs) })
  }

  private func run(_ inputs: [Variable]) -> [Variable] {
    let (decay, stabiliser, initial) = options(inputs)
    let normaliser = Normaliser(
      decay: decay, scale: 0.5, floor: stabiliser.map { .stabiliser($0) } ?? .epsilon(1e-3))
    return [normaliser(q: inputs[0], k: inputs[1], initial: initial).factor]
  }

  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let (q, k) = (arrays[0], arrays[1])
    let (decay, stabiliser, initial) = options(arrays)
    var factors = DoubleArray(rows)
    for b in 0..<batch {
      for h in 0..<heads {
        var z = (0..<dim).map { initial?[b, h, $0] ?? 0 }
        for t in 0..<length {
          var divisor = 0.0
          let row = (b * length + t) * heads + h
          let kept = decay?.values[row] ?? 1
          for i in 0..<dim {
            z[i] = kept * z[i] + k.values[row * dim + i]
            divisor += 0.5 * q.values[row * dim + i] * z[i]
          }
          if let stabiliser {
            divisor = max(abs(divisor), Mathematics.exponential(-stabiliser[b, t, h])) + 1e-6
          } else {
            divisor += 1e-3
          }
          factors[b, t, h] = 1 / divisor
        }
      }
    }
    return [factors]
  }
}

/// The mLSTM's memory from its gates to what is read, against its definition without a stabiliser.
private struct ExponentialMemoryCase: Sendable {
  var batch: Int
  var length: Int
  var heads: Int
  var dim: Int
  var gates: OpInput.Law
  private var scale: Double { 1 / Double(dim).squareRoot() }
  /// Where one token outweighs all others, what is read is its value and the gradients of all else
  /// cancel down to rounding.
  var isDifferentiable = true

  func opCase(_ variant: String) -> OpCase {
    let rows = [batch, length, heads, dim]
    return OpCase(
      "mLSTM memory", variant,
      inputs: [
        OpInput("q", rows, differentiable: isDifferentiable),
        OpInput("k", rows, differentiable: isDifferentiable), OpInput("v", rows),
        OpInput("gates", [batch, length, 2, heads], gates, differentiable: isDifferentiable),
      ], reference: reference, run: { _, inputs in [run(inputs)] })
  }

  private func run(_ inputs: [Variable]) -> Variable {
    let gates = inputs[3].stabilisedGates()
    let normaliser = Normaliser(
      decay: gates.decay, scale: Float(scale), floor: .stabiliser(gates.stabiliser))
    let (read, factor) = normaliser.reading(
      q: inputs[0], k: inputs[1], v: inputs[2], weighedBy: gates.strength)
    return read.scalingRows(by: factor)
  }

  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let (q, k, v, gates) = (arrays[0], arrays[1], arrays[2], arrays[3])
    var outputs = DoubleArray([batch, length, heads, dim])
    for b in 0..<batch {
      for h in 0..<heads {
        for t in 0..<length {
          // The weight of token s is e^(i_s + the sum of log sigmoid(f) after s).
          var (sum, divisor) = ([Double](repeating: 0, count: dim), 0.0)
          var logDecay = 0.0
          for s in stride(from: t, through: 0, by: -1) {
            let dot = (0..<dim).reduce(0) { $0 + q[b, t, h, $1] * k[b, s, h, $1] }
            let weight = scale * dot * Mathematics.exponential(logDecay + gates[b, s, 0, h])
            for i in 0..<dim { sum[i] += weight * v[b, s, h, i] }
            divisor += weight
            logDecay += Elementwise.logSigmoid.exact(gates[b, s, 1, h])
          }
          for i in 0..<dim { outputs[b, t, h, i] = sum[i] / max(abs(divisor), 1) }
        }
      }
    }
    return [outputs]
  }
}

extension OpCatalog {
  static let normaliserCases: [OpCase] = [
    NormaliserCase(batch: 2, length: 1, heads: 3, dim: 5),
    NormaliserCase(batch: 1, length: 7, heads: 2, dim: 17, hasDecay: true),
    NormaliserCase(batch: 1, length: 9, heads: 1, dim: 33, hasDecay: true, isStabilised: true),
    NormaliserCase(
      batch: 1, length: 65, heads: 1, dim: 3, hasDecay: true, isStabilised: true, isSegment: true),
    NormaliserCase(batch: 3, length: 5, heads: 2, dim: 4, isSegment: true),
  ].map { $0.opCase() }

  package static let normaliserTimings: [OpCase] = [
    NormaliserCase(batch: 64, length: 64, heads: 4, dim: 32, hasDecay: true, isStabilised: true),
    NormaliserCase(batch: 64, length: 64, heads: 1, dim: 153),
  ].map { $0.opCase(checked: false) }

  static let exponentialMemoryCases: [OpCase] = [
    ExponentialMemoryCase(batch: 2, length: 7, heads: 2, dim: 3, gates: .normal(scale: 2))
      .opCase("small gates"),
    // Beyond the range of a float's exponential.
    ExponentialMemoryCase(
      batch: 1, length: 17, heads: 1, dim: 3, gates: .normal(scale: 60), isDifferentiable: false
    ).opCase("large gates"),
    ExponentialMemoryCase(batch: 1, length: 3, heads: 17, dim: 2, gates: .uniform(-5 ... -1))
      .opCase("nothing written"),
    // One chunk of tokens, and more, with small heads and with large ones.
    ExponentialMemoryCase(batch: 2, length: 15, heads: 2, dim: 32, gates: .normal(scale: 1))
      .opCase("B2-T15-H2-D32"),
    ExponentialMemoryCase(batch: 1, length: 21, heads: 3, dim: 64, gates: .normal(scale: 1))
      .opCase("B1-T21-H3-D64"),
    ExponentialMemoryCase(batch: 1, length: 70, heads: 1, dim: 24, gates: .normal(scale: 1))
      .opCase("B1-T70-H1-D24"),
    ExponentialMemoryCase(batch: 1, length: 39, heads: 2, dim: 64, gates: .normal(scale: 1))
      .opCase("B1-T39-H2-D64"),
  ]

  static let taylorCases: [OpCase] = [1, 2, 5, 16, 19].map { dim in
    taylorCase([3, 2, dim], reference: { [taylorReference($0[0])] })
  }

  package static let taylorTimings: [OpCase] = [taylorCase([64, 64, 4, 16], reference: nil)]

  private static func taylorCase(
    _ shape: [Int], reference: (@Sendable ([DoubleArray]) -> [DoubleArray])?
  ) -> OpCase {
    OpCase(
      "taylor features", shape.map(String.init).joined(separator: "x"),
      inputs: [OpInput("x", shape)], tolerance: 1e-6,
      flops: Double(shape.reduce(1, *) * (shape.last ?? 1)), reference: reference,
      run: { _, inputs in [inputs[0].taylorFeatures()] })
  }

  private static func taylorReference(_ x: DoubleArray) -> DoubleArray {
    let dim = x.shape[x.shape.count - 1]
    let root = Double(dim).squareRoot()
    var values: [Double] = []
    for row in stride(from: 0, to: x.values.count, by: dim) {
      let row = x.values[row..<row + dim]
      values.append(1)
      values += row.map { $0 / root.squareRoot() }
      for (i, a) in row.enumerated() {
        for (j, b) in row.enumerated() where j <= i {
          values.append(a * b / root / (i == j ? 2.0.squareRoot() : 1))
        }
      }
    }
    let features = Variable.taylorFeatureCount(of: dim)
    return DoubleArray(Array(x.shape.dropLast()) + [features], values)
  }
}
