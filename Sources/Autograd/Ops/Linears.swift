import Tensors

extension Variable {
  /// Several linear maps of this variable, x W i over the last axis; devices may read x once for
  /// all of them.
  ///
  /// - Parameter weights: [inputs, outputs i] each.
  /// - Returns: For each weight, this variable's shape with the last axis replaced by the outputs.
  public func linears(_ weights: [Variable]) -> [Variable] {
    precondition(
      weights.allSatisfy { $0.shape[0] == columns },
      "linears: \(columns) columns, weights \(weights.map(\.shape))")
    let backend = tape.backend
    let outputs = weights.map { backend.empty(shape.dropLast() + [$0.shape[1]]) }
    backend.linears(value, weights.map(\.value), into: outputs)
    return tape.results(outputs, of: [self] + weights) { [self] gradients in
      contributeGradients(
        of: zip(weights, gradients).compactMap { weight, gradient in
          gradient.map { LinearResult(weight: weight, gradient: $0) }
        })
    }
  }
}
