import Tensors

extension Variable {
  /// Causal softmax attention of whole sequences, with queries, keys and values that are linear maps of
  /// this variable, [batch, length, inputs].
  ///
  /// As `linears` and `attention`, one after the other; where the device can, queries, keys and values
  /// are kept only as the factors of products that they are.
  ///
  /// - Parameters:
  ///   - weights: Of queries, [inputs, heads x dim], then of keys and of values, [inputs, key heads x
  ///     dim].
  ///   - heads: Heads of queries.
  ///   - keyHeads: Heads of keys and values.
  ///   - window: The number of keys that a query sees, itself included; 0 for all.
  ///   - slopes: As in `attention`.
  /// - Returns: [batch, length, heads, dim]
  public func attention(
    ofMaps weights: [Variable], heads: Int, keyHeads: Int, window: Int = 0, slopes: Variable? = nil
  ) -> Variable {
    precondition(
      weights.count == 3 && weights.allSatisfy { $0.shape[0] == columns }
        && weights[0].columns % heads == 0,
      "attention: \(columns) columns, weights \(weights.map(\.shape)), \(heads) heads")
    let rows = Array(shape.dropLast())
    let run = MappedAttentionRun(
      self, weights, heads: heads, keyHeads: keyHeads, window: window, slopes: slopes)
    if let run {
      return tape.result(run.outputs, of: [self] + weights) { [self] gradient in
        contributeGradients(
          of: zip(weights, run.backward(gradient)).map { weight, gradient in
            LinearResult(weight: weight, gradient: gradient)
          })
      }
    }
    let maps = zip(linears(weights), [heads, keyHeads, keyHeads]).map { map, heads in
      map.reshaped(rows + [heads, map.columns / heads])
    }
    return maps[0].attention(keys: maps[1], values: maps[2], window: window, slopes: slopes)
  }
}

/// One run of attention with its maps, where the device has kernels for both.
private struct MappedAttentionRun {
  private let backend: any Backend
  private let fused: any MappedAttentionKernels
  private let inputs: MappedAttention
  /// Queries, keys and values.
  private let factors: [Tensor]
  private let logSum: Tensor
  let outputs: Tensor

  /// Nil where the device or the maps are others.
  init?(
    _ x: Variable, _ weights: [Variable], heads: Int, keyHeads: Int, window: Int, slopes: Variable?
  ) {
    backend = x.tape.backend
    let dim = weights[0].columns / heads
    guard let fused = backend as? any MappedAttentionKernels, x.shape.count == 3,
      weights[1].columns == keyHeads * dim, weights[2].columns == keyHeads * dim
    else { return nil }
    let (batch, length) = (x.shape[0], x.shape[1])
    inputs = MappedAttention(
      shape: AttentionShape(
        batch: batch, queries: length, keys: length, heads: heads, keyHeads: keyHeads, dim: dim,
        valueDim: dim, offset: 0, window: window, scale: 1 / Float(dim).squareRoot()),
      x: x.value, weights: weights.map(\.value), slopes: slopes?.value)
    guard fused.fusesMappedAttention(inputs) else { return nil }
    self.fused = fused
    outputs = backend.empty([batch, length, heads, dim])
    logSum = backend.empty([batch, heads, length])
    factors = fused.mappedAttention(inputs, into: outputs, logSum: logSum)
  }

  /// The gradients of queries, keys and values.
  func backward(_ gradient: Tensor) -> [Tensor] {
    let gradients = inputs.weights.map { backend.empty(inputs.x.shape.dropLast() + [$0.columns]) }
    fused.mappedAttentionBackward(
      inputs, factors: factors, o: outputs, logSum: logSum, dO: gradient, into: gradients)
    return gradients
  }
}
