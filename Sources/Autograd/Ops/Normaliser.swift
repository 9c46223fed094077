import Tensors

/// What the answers of a linear memory are divided by, so that they are weighted means of values.
///
/// It is the memory's recurrence for the keys alone,
///
///     z_t = decay_t z_{t-1} + k_t
///     d_t = scale q_t . z_t
///
/// as a column of ones beside the values would have it, at a fraction of the price.
public struct Normaliser {
  /// How small a divisor may be.
  public enum Floor {
    /// 1 / (d + epsilon), for features that are positive.
    case epsilon(Float)
    /// 1 / (max(|d|, e^-m) + 1e-6) with the mLSTM's stabiliser m, [batch, length, heads]. Memory
    /// and keys are divided by e^m, so this is a divisor of at least 1.
    case stabiliser(Variable)
  }

  /// One factor for each token and head, [batch, length, heads]; nil for none.
  public var decay: Variable?
  public var scale: Float
  public var floor: Floor

  public init(decay: Variable? = nil, scale: Float = 1, floor: Floor) {
    self.decay = decay
    self.scale = scale
    self.floor = floor
  }

  /// One over the divisor of every token and head.
  ///
  /// The stabiliser and the initial state are constants: the mLSTM's output does not depend on the
  /// first, and no gradient flows to an earlier segment.
  ///
  /// - Parameters:
  ///   - q: [batch, length, heads, dim]
  ///   - k: [batch, length, heads, dim]
  ///   - initial: z before the first token, [batch, heads, dim]; nil for zeros.
  ///   - wantsFinal: Whether to return z after the last token.
  /// - Returns: The factors, [batch, length, heads], and z where it is wanted.
  public func callAsFunction(
    q: Variable, k: Variable, initial: Variable? = nil, wantsFinal: Bool = false
  ) -> (factor: Variable, final: Variable?) {
    let shape = checkedShape(q, k, initial)
    let (tape, backend) = (q.tape, q.tape.backend)
    let inputs = NormaliserInputs(
      q: q.value, k: k.value, decay: decay?.value, stabiliser: stabiliser?.value,
      initial: initial?.value)
    let factor = backend.empty(Array(q.shape.dropLast()))
    let final = wantsFinal ? backend.empty([shape.batch, shape.heads, shape.dim]) : nil
    let operands = [q, k, decay]
    let states = tape.records(operands) ? backend.empty(k.shape) : nil
    backend.normaliser(shape, inputs, into: factor, final: final, states: states)
    let result = tape.result(factor, of: operands) { gradient in
      guard let states else { return }
      let targets = operands.map { operand in
        operand.flatMap { $0.needsGradient ? backend.empty($0.shape) : nil }
      }
      backend.normaliserBackward(
        shape, inputs, states: states, dFactor: gradient, dq: targets[0], dk: targets[1],
        dDecay: targets[2])
      for (operand, target) in zip(operands, targets) {
        if let target { operand?.contribute(target) }
      }
    }
    return (result, final.map(tape.constant))
  }

  var stabiliser: Variable? {
    if case .stabiliser(let variable) = floor { variable } else { nil }
  }

  func checkedShape(
    _ q: Variable, _ k: Variable, _ initial: Variable?
  ) -> NormaliserShape {
    precondition(
      q.shape.count == 4 && q.shape == k.shape && q.shape[1] > 0,
      "normaliser: q \(q.shape), k \(k.shape)")
    let rows = Array(q.shape.dropLast())
    for operand in [decay, stabiliser] {
      precondition(
        operand.map { $0.shape == rows } ?? true,
        "normaliser: an operand has shape \(operand?.shape ?? []) instead of \(rows)")
    }
    let epsilon: Float = if case .epsilon(let given) = floor { given } else { 1e-6 }
    let shape = NormaliserShape(
      batch: q.shape[0], length: q.shape[1], heads: q.shape[2], dim: q.shape[3], scale: scale,
      epsilon: epsilon)
    let stateShape = [shape.batch, shape.heads, shape.dim]
    precondition(
      initial.map { $0.shape == stateShape } ?? true,
      "normaliser: initial state \(initial?.shape ?? []) instead of \(stateShape)")
    return shape
  }
}
