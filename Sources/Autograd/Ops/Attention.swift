import Tensors

extension Variable {
  /// Causal softmax attention of these queries over keys and values.
  ///
  /// Query i stands at position `offset` + i among the keys and sees itself and the keys before it.
  /// Head h reads key head h * key heads / heads, so that fewer key heads are shared by groups.
  /// No scores are kept: the backward pass computes them again from each row's log-sum-exp
  /// (Dao et al. 2022; architectures.md P5).
  ///
  /// - Parameters:
  ///   - keys: [batch, keys, key heads, dim]; this variable is [batch, queries, heads, dim].
  ///   - values: [batch, keys, key heads, value dim]
  ///   - scale: The factor of the scores; 1/√dim where it is nil.
  ///   - window: The number of keys that a query sees, itself included; 0 for all.
  ///   - slopes: [heads], a constant: the score falls by this much per position (ALiBi).
  ///   - offset: The position of the first query.
  /// - Returns: [batch, queries, heads, value dim]
  public func attention(
    keys: Variable, values: Variable, scale: Float? = nil, window: Int = 0,
    slopes: Variable? = nil, offset: Int = 0
  ) -> Variable {
    let layout = attentionShape(keys, values, scale: scale, window: window, offset: offset)
    precondition(
      slopes.map { $0.shape == [layout.heads] && !$0.needsGradient } ?? true,
      "attention: slopes must be a constant of \(layout.heads) heads")
    let backend = tape.backend
    let output = backend.empty([layout.batch, layout.queries, layout.heads, layout.valueDim])
    let logSum = backend.empty([layout.batch, layout.heads, layout.queries])
    backend.attention(
      layout, q: value, k: keys.value, v: values.value, slopes: slopes?.value, into: output,
      logSum: logSum)
    return tape.result(output, of: [self, keys, values]) { [self] gradient in
      let dq = backend.empty(value.shape)
      let dk = backend.empty(keys.value.shape)
      let dv = backend.empty(values.value.shape)
      backend.attentionBackward(
        layout, q: value, k: keys.value, v: values.value, slopes: slopes?.value, o: output,
        logSum: logSum, dO: gradient, dq: dq, dk: dk, dv: dv)
      contribute(dq)
      keys.contribute(dk)
      values.contribute(dv)
    }
  }

  /// The shape of an attention with these queries, checked.
  private func attentionShape(
    _ keys: Variable, _ values: Variable, scale: Float?, window: Int, offset: Int
  ) -> AttentionShape {
    precondition(
      shape.count == 4 && keys.shape.count == 4 && values.shape.count == 4,
      "attention: queries, keys and values are [batch, time, heads, dim]")
    let (batch, queries, heads, dim) = (shape[0], shape[1], shape[2], shape[3])
    let (keyCount, keyHeads, valueDim) = (keys.shape[1], keys.shape[2], values.shape[3])
    precondition(
      keys.shape == [batch, keyCount, keyHeads, dim]
        && values.shape == [batch, keyCount, keyHeads, valueDim],
      "attention: queries \(shape), keys \(keys.shape), values \(values.shape)")
    precondition(heads % keyHeads == 0, "attention: \(heads) heads over \(keyHeads) key heads")
    precondition(
      offset >= 0 && offset + queries <= keyCount && window >= 0,
      "attention: \(queries) queries from position \(offset), \(keyCount) keys, window \(window)")
    return AttentionShape(
      batch: batch, queries: queries, keys: keyCount, heads: heads, keyHeads: keyHeads, dim: dim,
      valueDim: valueDim, offset: offset, window: window,
      scale: scale ?? 1 / Float(dim).squareRoot())
  }
}
