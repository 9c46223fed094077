import Tensors

extension Normaliser {
  /// What a memory that is empty at first is asked for, and one over its divisors.
  ///
  /// As the normaliser of weighed keys and a `MatrixScan` with them, one after the other; where the
  /// device can, in one pass over queries, keys and values.
  ///
  /// - Parameters:
  ///   - q: [batch, length, heads, dim]
  ///   - k: The keys before they are weighed, [batch, length, heads, dim].
  ///   - v: [batch, length, heads, any]
  ///   - strength: What each key is multiplied by, [batch, length, heads].
  /// - Returns: What is read, like v, and the factors, [batch, length, heads].
  public func reading(
    q: Variable, k: Variable, v: Variable, weighedBy strength: Variable
  ) -> (read: Variable, factor: Variable) {
    if let result = fusedReading(q: q, k: k, v: v, strength: strength) { return result }
    let (factor, keys, _) = self(q: q, k: k, weighedBy: strength)
    let scan = MatrixScan(decay: decay.map { .scalar($0) } ?? .none, scale: scale)
    return (scan(q: q, k: keys, v: v).output, factor)
  }

  /// Nil where the device has no kernel, and where some gradients are wanted but not all.
  private func fusedReading(
    q: Variable, k: Variable, v: Variable, strength: Variable
  ) -> (read: Variable, factor: Variable)? {
    let operands = [q, k, v, strength, decay]
    let (tape, backend) = (q.tape, q.tape.backend)
    guard let fused = backend as? any NormalisedScanKernels, let decay, let stabiliser,
      q !== k, strength !== decay, v.shape.count == 4, v.shape[..<3] == q.shape[..<3],
      strength.shape == k.shape.dropLast(),
      !tape.records(operands) || operands.allSatisfy({ $0?.needsGradient ?? false })
    else { return nil }
    let sizes = checkedShape(q, k, nil)
    let shape = ScanShape(
      batch: sizes.batch, length: sizes.length, heads: sizes.heads, keyHeads: sizes.heads,
      keyDim: sizes.dim, valueDim: v.shape[3], decay: .scalar, update: .add, exclusive: false,
      scale: scale)
    let scan = NormalisedScan(
      shape: shape, epsilon: sizes.epsilon, q: q.value, k: k.value, v: v.value,
      decay: decay.value, strength: strength.value, stabiliser: stabiliser.value)
    guard fused.fuses(scan) else { return nil }
    let (read, factor) = (backend.empty(v.shape), backend.empty(strength.shape))
    let kept = fused.normalisedScan(
      scan, into: read, factor: factor, keeps: tape.records(operands))
    let results = tape.results([read, factor], of: operands) { gradients in
      guard let kept else { return }
      let targets = NormalisedScanGradients(
        q: backend.empty(q.shape), k: backend.empty(k.shape), v: backend.empty(v.shape),
        decay: backend.empty(decay.shape), strength: backend.empty(strength.shape))
      fused.normalisedScanBackward(
        scan, kept: kept, dO: gradients[0] ?? backend.zeros(read.shape),
        dFactor: gradients[1] ?? backend.zeros(factor.shape), into: targets)
      q.contribute(targets.q)
      k.contribute(targets.k)
      v.contribute(targets.v)
      strength.contribute(targets.strength)
      decay.contribute(targets.decay)
    }
    return (results[0], results[1])
  }
}
