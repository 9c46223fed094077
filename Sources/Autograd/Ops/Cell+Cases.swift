import Tensors

/// A run of a recurrent cell: sizes and options.
struct CellCase: Sendable {
  var kind: RecurrentCell
  var batch: Int
  var length: Int
  var heads: Int
  var dim: Int
  var hasState = false
  var hasBias = false

  var width: Int { heads * dim }

  var inputs: [OpInput] {
    let scale = OpInput.Law.normal(scale: 1 / Double(dim).squareRoot())
    var inputs = [
      OpInput("x", [batch, length, kind.gates * width]),
      OpInput("recurrent", [heads, dim, kind.gates, dim], scale),
    ]
    if hasBias { inputs.append(OpInput("recurrentBias", [width])) }
    if hasState { inputs.append(OpInput("h0", [batch, width])) }
    if hasState && kind == .lstm { inputs.append(OpInput("c0", [batch, width])) }
    if hasState && kind == .slstm {
      // Its normaliser is positive.
      inputs.append(OpInput("c0", [batch, 3, width], .uniform(0.5...1.5)))
    }
    return inputs
  }

  /// The optional inputs in the order above.
  private func options<Input>(_ inputs: [Input]) -> (bias: Input?, h0: Input?, c0: Input?) {
    var rest = inputs.dropFirst(2)
    let bias = hasBias ? rest.popFirst() : nil
    let h0 = hasState ? rest.popFirst() : nil
    return (bias, h0, rest.popFirst())
  }

  private var variant: String {
    let options = (hasState ? "-state" : "") + (hasBias ? "-bias" : "")
    return "\(kind)-B\(batch)-T\(length)-H\(heads)-D\(dim)" + options
  }

  /// A case for values and gradients, or for speed only.
  func opCase(checked: Bool = true) -> OpCase {
    OpCase(
      "cell", variant, inputs: inputs,
      flops: 2 * Double(batch * length * width * kind.gates * dim),
      reference: checked ? reference : nil,
      run: { _, inputs in run(inputs) })
  }

  private func run(_ inputs: [Variable]) -> [Variable] {
    let (bias, h0, c0) = options(inputs)
    let initial = h0.map { CellState(hidden: $0, memory: c0) }
    let (h, final) = inputs[0].recurrentCell(
      kind, heads: heads, recurrent: inputs[1], recurrentBias: bias, initial: initial,
      wantsFinal: hasState)
    return [h] + [final?.hidden, final?.memory].compactMap { $0 }
  }

  /// The recurrence of architectures.md §3.7, one sequence and one token after the other.
  func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let (bias, h0, c0) = options(arrays)
    var outputs = DoubleArray([batch, length, width])
    var h = h0 ?? DoubleArray([batch, width])
    var c = c0 ?? emptyMemory
    for b in 0..<batch {
      for t in 0..<length {
        let previous = Array(h.values[b * width..<(b + 1) * width])
        for channel in 0..<width {
          let x = (0..<kind.gates).map { gate in
            arrays[0].values[((b * length + t) * kind.gates + gate) * width + channel]
          }
          let r = recurrentParts(of: channel, previous, arrays[1].values)
          switch kind {
          case .elman:
            h[b, channel] = tanh(x[0] + r[0])
          case .gru:
            let reset = sigmoid(x[0] + r[0])
            let keep = sigmoid(x[1] + r[1])
            let new = tanh(x[2] + reset * (r[2] + (bias?[channel] ?? 0)))
            h[b, channel] = keep * previous[channel] + (1 - keep) * new
          case .lstm:
            let memory =
              sigmoid(x[1] + r[1]) * c[b, channel] + sigmoid(x[0] + r[0]) * tanh(x[2] + r[2])
            c[b, channel] = memory
            h[b, channel] = sigmoid(x[3] + r[3]) * tanh(memory)
          case .slstm:
            let input = x[0] + r[0]
            let kept = Elementwise.logSigmoid.exact(x[1] + r[1]) + c[b, 2, channel]
            let greatest = max(input, kept)
            let (new, old) = (exponential(input - greatest), exponential(kept - greatest))
            c[b, 0, channel] = old * c[b, 0, channel] + new * tanh(x[2] + r[2])
            c[b, 1, channel] = old * c[b, 1, channel] + new
            c[b, 2, channel] = greatest
            h[b, channel] = sigmoid(x[3] + r[3]) * c[b, 0, channel] / c[b, 1, channel]
          }
          outputs[b, t, channel] = h[b, channel]
        }
      }
    }
    guard hasState else { return [outputs] }
    return kind.kernelKind.memories > 0 ? [outputs, h, c] : [outputs, h]
  }

  /// The memory before the first step; the sLSTM's weighs nothing.
  private var emptyMemory: DoubleArray {
    guard kind == .slstm else { return DoubleArray([batch, width]) }
    let nothing = [Double](repeating: -.infinity, count: width)
    let zeros = [Double](repeating: 0, count: 2 * width)
    return DoubleArray([batch, 3, width], (0..<batch).flatMap { _ in zeros + nothing })
  }

  /// h R for one channel, one number per gate.
  private func recurrentParts(of channel: Int, _ h: [Double], _ recurrent: [Double]) -> [Double] {
    let (head, j) = (channel / dim, channel % dim)
    return (0..<kind.gates).map { gate in
      var sum = 0.0
      for k in 0..<dim {
        let row = (head * dim + k) * kind.gates + gate
        sum += h[head * dim + k] * recurrent[row * dim + j]
      }
      return sum
    }
  }

  private func sigmoid(_ x: Double) -> Double { Elementwise.sigmoid.exact(x) }
  private func tanh(_ x: Double) -> Double { Elementwise.tanh.exact(x) }
  private func exponential(_ x: Double) -> Double { Elementwise.exp.exact(x) }
}

extension OpCatalog {
  static let cellCases: [OpCase] = RecurrentCell.allCases.flatMap { kind in
    var cases = [
      CellCase(kind: kind, batch: 1, length: 33, heads: 1, dim: 3),
      CellCase(kind: kind, batch: 3, length: 7, heads: 2, dim: 4, hasState: true),
      CellCase(kind: kind, batch: 9, length: 1, heads: 3, dim: 3, hasState: true),
      CellCase(kind: kind, batch: 2, length: 2, heads: 1, dim: 17),
      CellCase(kind: kind, batch: 17, length: 5, heads: 1, dim: 5, hasState: true),
      CellCase(kind: kind, batch: 1, length: 7, heads: 2, dim: 1),
      CellCase(kind: kind, batch: 3, length: 3, heads: 2, dim: 18, hasState: true),
      CellCase(kind: kind, batch: 2, length: 5, heads: 1, dim: 48),
    ]
    if kind == .gru {
      cases.append(
        CellCase(kind: kind, batch: 3, length: 7, heads: 1, dim: 5, hasBias: true))
      cases.append(
        CellCase(
          kind: kind, batch: 2, length: 5, heads: 2, dim: 3, hasState: true, hasBias: true))
    }
    return cases.map { $0.opCase() }
  }

  /// Sizes that training uses, for speed.
  package static let cellTimings: [OpCase] = RecurrentCell.allCases.reversed().flatMap { kind in
    [(64, 64, 64), (32, 256, 64), (64, 64, 128)].map { batch, length, dim in
      CellCase(kind: kind, batch: batch, length: length, heads: 1, dim: dim)
        .opCase(checked: false)
    }
  }
}
