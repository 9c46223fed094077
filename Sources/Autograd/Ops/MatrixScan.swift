import Tensors

/// The recurrence of a matrix-valued state: linear attention, the delta rule and their gated forms.
///
/// Every head carries a state S of key dim x value dim, its memory of associations k → v. A token
/// lets it decay, writes to it and reads it with the query:
///
///     S_t = D_t S_{t-1} + what the token writes
///     o_t = scale S_tᵀ q_t
///
/// What D_t is and how a token writes makes the architecture (architectures.md §1.2):
///
///     let linearAttention = MatrixScan()
///     let mamba2 = MatrixScan(decay: .scalar(alpha))
///     let gatedLinearAttention = MatrixScan(decay: .vector(alpha))
///     let rwkv6 = MatrixScan(decay: .vector(alpha), read: .exclusive(bonus: u))
///     let deltaNet = MatrixScan(update: .delta(beta: beta))
///     let signedDeltaNet = MatrixScan(update: .deltaOfLogits(logits, most: 2))
///     let gatedDeltaNet = MatrixScan(decay: .scalar(alpha), update: .delta(beta: beta))
///     let rwkv7 = MatrixScan(decay: .vector(alpha), update: .rankOne(a: kappa, b: b))
///
///     let output = deltaNet(q: q, k: k, v: v).output
///
/// Decays are factors, not logarithms, and may have any sign; 0 forgets everything.
public struct MatrixScan {
  /// What remains of the state when a token arrives.
  public enum Decay {
    /// Everything.
    case none
    /// One factor for each head: [heads].
    case perHead(Variable)
    /// One factor for each token and head: [batch, length, heads].
    case scalar(Variable)
    /// One factor for each token, head and row of the state: [batch, length, heads, key dim].
    case vector(Variable)
  }

  /// How a token writes.
  public enum Update {
    /// Adds the association: S_t = D_t S_{t-1} + k_t v_tᵀ.
    case add
    /// Corrects what the decayed state answers to k_t, by the step β_t:
    /// S_t = M + β_t k_t (v_t - Mᵀ k_t)ᵀ with M = D_t S_{t-1}. Beta is [batch, length, heads].
    ///
    /// With keys of unit length the transition is contractive for β in 0 ... 2, a projection at 1
    /// and a reflection at 2.
    case delta(beta: Variable)
    /// The same with β = `most` times the sigmoid of logits.
    case deltaOfLogits(Variable, most: Int)
    /// Adds the association and moves what the undecayed state answers to a_t:
    /// S_t = D_t S_{t-1} + b_t (a_tᵀ S_{t-1}) + k_t v_tᵀ. Both are [batch, length, heads, key dim].
    case rankOne(a: Variable, b: Variable)
  }

  /// When a token reads.
  public enum Read {
    /// After its own write.
    case inclusive
    /// Before it; its own association then counts by the bonus:
    /// o_t = scale (S_{t-1} + diag(bonus) k_t v_tᵀ)ᵀ q_t. The bonus is [heads, key dim].
    case exclusive(bonus: Variable)
  }

  public var decay: Decay
  public var update: Update
  public var read: Read
  /// The factor of the output, often 1/√(key dim).
  public var scale: Float

  public init(
    decay: Decay = .none, update: Update = .add, read: Read = .inclusive, scale: Float = 1
  ) {
    self.decay = decay
    self.update = update
    self.read = read
    self.scale = scale
  }

  /// Runs the recurrence over a sequence.
  ///
  /// Head h reads and writes with the query and key of key head h * key heads / heads, so that
  /// groups of heads may share them.
  ///
  /// - Parameters:
  ///   - q: [batch, length, key heads, key dim]
  ///   - k: [batch, length, key heads, key dim]
  ///   - v: [batch, length, heads, value dim]
  ///   - initial: The state before the first token, [batch, heads, key dim, value dim]; nil for
  ///     zeros.
  ///   - wantsFinal: Whether to return the state after the last token.
  /// - Returns: The output [batch, length, heads, value dim] and, where it is wanted, the final
  ///   state. Gradients flow through both.
  public func callAsFunction(
    q: Variable, k: Variable, v: Variable, initial: Variable? = nil, wantsFinal: Bool = false
  ) -> (output: Variable, final: Variable?) {
    var operands = operands(q: q, k: k, v: v, initial: initial)
    var shape = checkedShape(operands, q, k, v)
    let tape = q.tape
    let backend = tape.backend
    if case .deltaOfLogits(let logits, let most) = update {
      if backend.takesLogits(shape) {
        shape.logits = most
      } else {
        operands.beta = logits.applying(.sigmoid, scaledBy: Float(most))
      }
    }
    return run(operands, shape, on: tape, wantsFinal: wantsFinal)
  }

  private func run(
    _ operands: ScanTensors<Variable?>, _ shape: ScanShape, on tape: Tape, wantsFinal: Bool
  ) -> (output: Variable, final: Variable?) {
    let backend = tape.backend
    let outputShape = [shape.batch, shape.length, shape.heads, shape.valueDim]
    let inputs = operands.map { $0?.value }
    let output = backend.empty(outputShape)
    let final = wantsFinal ? backend.empty(shape.stateShape) : nil
    let checkpoints =
      tape.records(operands.all) ? backend.empty([backend.scanCheckpointCount(shape)]) : nil
    backend.scan(shape, inputs, into: output, final: final, checkpoints: checkpoints)
    let results = tape.results([output] + (final.map { [$0] } ?? []), of: operands.all) {
      gradients in
      guard let checkpoints else { return }
      let targets = operands.gradientTargets(on: backend)
      backend.scanBackward(
        shape, inputs, checkpoints: checkpoints, dO: gradients[0] ?? backend.zeros(outputShape),
        dFinal: wantsFinal ? gradients[1] : nil, into: targets)
      for (operand, target) in zip(operands.all, targets.all) {
        if let target { operand?.contribute(target) }
      }
    }
    return (results[0], wantsFinal ? results[1] : nil)
  }

  private func operands(
    q: Variable, k: Variable, v: Variable, initial: Variable?
  ) -> ScanTensors<Variable?> {
    var operands = ScanTensors<Variable?>(
      q: q, k: k, v: v, decay: nil, beta: nil, a: nil, b: nil, bonus: nil, initial: initial)
    switch decay {
    case .none: break
    case .perHead(let factor), .scalar(let factor), .vector(let factor): operands.decay = factor
    }
    switch update {
    case .add: break
    case .delta(let beta), .deltaOfLogits(let beta, _): operands.beta = beta
    case .rankOne(let a, let b): (operands.a, operands.b) = (a, b)
    }
    if case .exclusive(let bonus) = read { operands.bonus = bonus }
    return operands
  }

  private func checkedShape(
    _ operands: ScanTensors<Variable?>, _ q: Variable, _ k: Variable, _ v: Variable
  ) -> ScanShape {
    precondition(
      q.shape.count == 4 && q.shape == k.shape && v.shape.count == 4
        && Array(q.shape[..<2]) == Array(v.shape[..<2]),
      "matrix scan: q \(q.shape), k \(k.shape), v \(v.shape)")
    precondition(q.shape[1] > 0, "matrix scan: no tokens")
    let shape = ScanShape(
      batch: v.shape[0], length: v.shape[1], heads: v.shape[2], keyHeads: q.shape[2],
      keyDim: q.shape[3], valueDim: v.shape[3], decay: decay.kind, update: update.kind,
      exclusive: operands.bonus != nil, scale: scale)
    precondition(
      shape.heads % shape.keyHeads == 0,
      "matrix scan: \(shape.heads) heads over \(shape.keyHeads) key heads")
    let rows = [shape.batch, shape.length, shape.heads]
    let expected = ScanTensors<[Int]>(
      q: q.shape, k: q.shape, v: v.shape, decay: shape.decayShape, beta: rows,
      a: rows + [shape.keyDim], b: rows + [shape.keyDim], bonus: [shape.heads, shape.keyDim],
      initial: shape.stateShape)
    for (operand, wanted) in zip(operands.all, expected.all) {
      precondition(
        operand.map { $0.shape == wanted } ?? true,
        "matrix scan: an operand has shape \(operand?.shape ?? []) instead of \(wanted)")
    }
    return shape
  }
}

extension MatrixScan.Decay {
  fileprivate var kind: ScanShape.Decay {
    switch self {
    case .none: .none
    case .perHead: .perHead
    case .scalar: .scalar
    case .vector: .vector
    }
  }
}

extension MatrixScan.Update {
  fileprivate var kind: ScanShape.Update {
    switch self {
    case .add: .add
    case .delta, .deltaOfLogits: .delta
    case .rankOne: .rankOne
    }
  }
}

extension ScanShape {
  fileprivate var stateShape: [Int] { [batch, heads, keyDim, valueDim] }

  fileprivate var decayShape: [Int] {
    switch decay {
    case .none: []
    case .perHead: [heads]
    case .scalar: [batch, length, heads]
    case .vector: [batch, length, heads, keyDim]
    }
  }
}

extension ScanTensors {
  fileprivate var all: [Element] { [q, k, v, decay, beta, a, b, bonus, initial] }

  fileprivate func map<Other>(_ transform: (Element) -> Other) -> ScanTensors<Other> {
    ScanTensors<Other>(
      q: transform(q), k: transform(k), v: transform(v), decay: transform(decay),
      beta: transform(beta), a: transform(a), b: transform(b), bonus: transform(bonus),
      initial: transform(initial))
  }
}

extension ScanTensors<Variable?> {
  /// Memory for the gradients that are wanted: zeros for those that the kernel adds to.
  fileprivate func gradientTargets(on backend: any Backend) -> ScanTensors<Tensor?> {
    let targets = map { operand in
      operand.flatMap { $0.needsGradient ? backend.empty($0.shape) : nil }
    }
    if let bonus = targets.bonus { backend.fill(bonus, with: 0) }
    if let decay = targets.decay, decay.shape.count == 1 { backend.fill(decay, with: 0) }
    return targets
  }
}
