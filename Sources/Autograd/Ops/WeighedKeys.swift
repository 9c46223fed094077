import Tensors

extension Normaliser {
  /// The same for keys that are weighed first, as the mLSTM's input gates do, in one pass where the
  /// device can.
  ///
  /// - Parameters:
  ///   - q: [batch, length, heads, dim]
  ///   - k: The keys before they are weighed, [batch, length, heads, dim].
  ///   - strength: What each is multiplied by, [batch, length, heads].
  ///   - initial: z before the first token, [batch, heads, dim]; nil for zeros.
  ///   - wantsFinal: Whether to return z after the last token.
  /// - Returns: The factors, [batch, length, heads], the weighed keys, and z where it is wanted.
  public func callAsFunction(
    q: Variable, k: Variable, weighedBy strength: Variable, initial: Variable? = nil,
    wantsFinal: Bool = false
  ) -> (factor: Variable, keys: Variable, final: Variable?) {
    let operands = [q, k, strength, decay]
    let (tape, backend) = (q.tape, q.tape.backend)
    guard let fused = backend as? any FusedKernels, let decay, q !== k, strength !== decay,
      !tape.records(operands) || operands.allSatisfy({ $0?.needsGradient ?? false })
    else {
      let keys = k.scalingRows(by: strength)
      let (factor, final) = self(q: q, k: keys, initial: initial, wantsFinal: wantsFinal)
      return (factor, keys, final)
    }
    precondition(
      strength.shape == k.shape.dropLast(),
      "normaliser: keys \(k.shape), strengths \(strength.shape)")
    let shape = checkedShape(q, k, initial)
    let inputs = NormaliserInputs(
      q: q.value, k: k.value, decay: decay.value, stabiliser: stabiliser?.value,
      initial: initial?.value)
    let (factor, keys) = (backend.empty(strength.shape), backend.empty(k.shape))
    let final = wantsFinal ? backend.empty([shape.batch, shape.heads, shape.dim]) : nil
    let states = tape.records(operands) ? backend.empty(k.shape) : nil
    fused.weighedNormaliser(
      shape, inputs, strength: strength.value, into: factor, keys: keys, final: final,
      states: states)
    let results = tape.results([factor, keys], of: operands) { gradients in
      guard let states else { return }
      let (dFactor, dKeys) = (
        gradients[0] ?? backend.zeros(factor.shape), gradients[1] ?? backend.zeros(keys.shape)
      )
      Variable.withTargets([q, k, strength, decay]) { targets in
        fused.weighedNormaliserBackward(
          shape, inputs, strength: strength.value, states: states, dFactor: dFactor,
          dKeys: dKeys,
          into: WeighedNormaliserGradients(
            q: targets[0], k: targets[1], strength: targets[2], decay: targets[3]))
      }
    }
    return (results[0], results[1], final.map(tape.constant))
  }
}
