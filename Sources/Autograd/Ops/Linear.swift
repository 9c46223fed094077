import Tensors

extension Variable {
  /// x W + b over the last axis.
  ///
  /// - Parameters:
  ///   - weight: [inputs, outputs]
  ///   - bias: [outputs], or nil
  /// - Returns: This variable's shape with the last axis replaced by the outputs.
  public func linear(_ weight: Variable, bias: Variable? = nil) -> Variable {
    let (inputs, outputs) = (weight.shape[0], weight.shape[1])
    precondition(columns == inputs, "linear: \(columns) columns, weight \(weight.shape)")
    let rows = value.count / inputs
    let backend = tape.backend
    let y = backend.empty(shape.dropLast() + [outputs])
    backend.multiply(
      MatrixProduct(m: rows, n: outputs, k: inputs), value, weight.value, bias: bias?.value,
      into: y)
    return tape.result(y, of: [self, weight, bias]) { [self] dy in
      contributeGradients(of: [LinearResult(weight: weight, bias: bias, gradient: dy)])
    }
  }
}
