import Tensors

extension Variable {
  /// x W + b over the last axis.
  ///
  /// - Parameters:
  ///   - weight: [inputs, outputs]
  ///   - bias: [outputs], or nil
  ///   - isAdded: Whether the result is only added to a residual stream (`adding`, norms of sums), which
  ///     a device may do in the same pass; elsewhere it is as good as any other.
  /// - Returns: This variable's shape with the last axis replaced by the outputs.
  public func linear(_ weight: Variable, bias: Variable? = nil, isAdded: Bool = false) -> Variable {
    let (inputs, outputs) = (weight.shape[0], weight.shape[1])
    precondition(columns == inputs, "linear: \(columns) columns, weight \(weight.shape)")
    let map = MappedRows(value, weight: weight.value, bias: bias?.value)
    let result = shape.dropLast() + [outputs]
    let backward: (Tensor) -> Void = { [self] dy in
      contributeGradients(of: [LinearResult(weight: weight, bias: bias, gradient: dy)])
    }
    if isAdded, let fused = tape.backend as? any FusedKernels, fused.fusesSum(of: map) {
      return tape.waitingResult(
        map, shape: Array(result), of: [self, weight, bias], backward: backward)
    }
    let y = tape.backend.empty(Array(result))
    map.write(into: y, on: tape.backend)
    return tape.result(y, of: [self, weight, bias], backward: backward)
  }
}

extension MappedRows {
  func write(into y: Tensor, on backend: any Backend) {
    backend.multiply(
      MatrixProduct(m: rows, n: columns, k: inputs), x, weight, bias: bias, into: y)
  }
}
