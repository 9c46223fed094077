import Tensors

/// The recurrence of Mamba (Gu and Dao 2023; architectures.md P1, fused).
///
/// Every channel carries a few numbers and decays each at a rate of its own; what is written to them
/// and read from them is chosen by the token:
///
///     h_n = f(step_c rate_n,c) h_n + write_n step_c x_c
///     y_c = sum_n read_n h_n + skip_c x_c
///
/// The numbers exist for a few tokens at a time only: memory grows with length x channels, not
/// with length x channels x states.
public struct SelectiveScan {
  /// The range of the factor f(z), for z <= 0.
  public enum Factor: Sendable {
    /// e^z, in (0, 1).
    case positive
    /// 2 e^z - 1, in (-1, 1), so that a state can change its sign (Grazzi et al. 2024).
    case signed
  }

  public var factor: Factor

  public init(factor: Factor = .positive) { self.factor = factor }

  /// Runs the recurrence over a sequence.
  ///
  /// - Parameters:
  ///   - x: [batch, length, channels]
  ///   - step: The step sizes, positive, [batch, length, channels].
  ///   - rate: [states, channels], negative.
  ///   - write: B, [batch, length, states].
  ///   - read: C, [batch, length, states].
  ///   - skip: D, [channels]; nil for none.
  ///   - initial: The state before the first token, [batch, states, channels]; nil for zeros.
  ///   - wantsFinal: Whether to return the state after the last token.
  /// - Returns: The output, shaped like x, and where it is wanted the final state. Gradients flow
  ///   through both.
  public func callAsFunction(
    x: Variable, step: Variable, rate: Variable, write: Variable, read: Variable,
    skip: Variable? = nil, initial: Variable? = nil, wantsFinal: Bool = false
  ) -> (output: Variable, final: Variable?) {
    results(
      SelectiveTensors<Variable?>(
        x: x, step: step, rate: rate, write: write, read: read, skip: skip, initial: initial,
        gate: nil),
      hasLogRates: false, wantsFinal: wantsFinal)
  }

  /// The same with `logRate`, log(-rate), in place of the rates: so they are trained.
  ///
  /// With a `gate`, the output is multiplied by silu of it. Both have the positions alone that
  /// `atWantedRows` leaves of x.
  public func callAsFunction(
    x: Variable, step: Variable, logRate: Variable, write: Variable, read: Variable,
    skip: Variable? = nil, initial: Variable? = nil, gate: Variable? = nil,
    wantsFinal: Bool = false
  ) -> (output: Variable, final: Variable?) {
    let areTaken = x.tape.backend.takesLogRates
    // Where few positions are wanted, the gate has little to do once these are picked.
    let isFolded = x.tape.backend.foldsGate && x.tape.wantedRows == nil
    let (y, final) = results(
      SelectiveTensors<Variable?>(
        x: x, step: step, rate: areTaken ? logRate : logRate.exp().negated(), write: write,
        read: read, skip: skip, initial: initial, gate: isFolded ? gate : nil),
      hasLogRates: areTaken, wantsFinal: wantsFinal)
    guard let gate, !isFolded else { return (y, final) }
    return (y.atWantedRows().gated(by: gate, .silu), final)
  }

  private func results(
    _ operands: SelectiveTensors<Variable?>, hasLogRates: Bool, wantsFinal: Bool
  ) -> (output: Variable, final: Variable?) {
    guard let x = operands.x, let rate = operands.rate else {
      preconditionFailure("selective scan without inputs or rates")
    }
    var shape = checkedShape(operands, x, rate)
    shape.hasLogRates = hasLogRates
    shape.hasGate = operands.gate != nil
    let (tape, backend) = (x.tape, x.tape.backend)
    let inputs = operands.map { $0?.value }
    let y = backend.empty(x.shape)
    let final = wantsFinal ? backend.empty(shape.stateShape) : nil
    let records = tape.records(operands.all)
    let checkpoints =
      records ? backend.empty([backend.selectiveCheckpointCount(shape)]) : nil
    let ungated = records && shape.hasGate ? backend.empty(y.shape) : nil
    backend.selectiveScan(
      shape, inputs, into: y, ungated: ungated, final: final, checkpoints: checkpoints)
    let results = tape.results([y] + (final.map { [$0] } ?? []), of: operands.all) {
      [shape] gradients in
      guard let checkpoints else { return }
      Self.withTargets(operands) { targets in
        backend.selectiveScanBackward(
          shape, inputs, ungated: ungated, checkpoints: checkpoints,
          dy: gradients[0] ?? backend.zeros(y.shape),
          dFinal: wantsFinal ? gradients[1] : nil, into: targets)
      }
    }
    return (results[0], wantsFinal ? results[1] : nil)
  }

  /// Lets a kernel make the gradients: those of rates and skips, which are sums over all tokens, may be
  /// added to what there is where the backend makes such sums late, together with others.
  private static func withTargets(
    _ operands: SelectiveTensors<Variable?>, _ body: (SelectiveTensors<Tensor?>) -> Void
  ) {
    guard let backend = operands.x?.tape.backend else { return }
    var targets = operands.map { operand in
      operand.flatMap { $0.needsGradient ? backend.empty($0.shape) : nil }
    }
    if backend is any FusedKernels {
      operands.rate.withGradient { rate in
        operands.skip.withGradient { skip in
          (targets.rate, targets.skip) = (rate, skip)
          body(targets)
        }
      }
      (targets.rate, targets.skip) = (nil, nil)
    } else {
      for added in [targets.rate, targets.skip].compactMap(\.self) { backend.fill(added, with: 0) }
      body(targets)
    }
    for (operand, target) in zip(operands.all, targets.all) {
      if let target { operand?.contribute(target) }
    }
  }

  private func checkedShape(
    _ operands: SelectiveTensors<Variable?>, _ x: Variable, _ rate: Variable
  ) -> SelectiveShape {
    precondition(
      x.shape.count == 3 && x.shape[1] > 0 && rate.shape.count == 2,
      "selective scan: x \(x.shape), rate \(rate.shape)")
    let shape = SelectiveShape(
      batch: x.shape[0], length: x.shape[1], channels: x.shape[2], states: rate.shape[0],
      bothSigns: factor == .signed)
    let numbers = [shape.batch, shape.length, shape.states]
    let expected = SelectiveTensors<[Int]>(
      x: x.shape, step: x.shape, rate: [shape.states, shape.channels], write: numbers,
      read: numbers, skip: [shape.channels], initial: shape.stateShape, gate: x.shape)
    for (operand, wanted) in zip(operands.all, expected.all) {
      precondition(
        operand.map { $0.shape == wanted } ?? true,
        "selective scan: an operand has shape \(operand?.shape ?? []) instead of \(wanted)")
    }
    return shape
  }
}

extension SelectiveShape {
  fileprivate var stateShape: [Int] { [batch, states, channels] }
}

extension SelectiveTensors {
  fileprivate var all: [Element] { [x, step, rate, write, read, skip, initial, gate] }

  fileprivate func map<Other>(_ transform: (Element) -> Other) -> SelectiveTensors<Other> {
    SelectiveTensors<Other>(
      x: transform(x), step: transform(step), rate: transform(rate), write: transform(write),
      read: transform(read), skip: transform(skip), initial: transform(initial),
      gate: transform(gate))
  }
}
