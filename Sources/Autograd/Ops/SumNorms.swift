import Tensors

extension Variable {
  /// This variable plus another of its shape, as a residual stream goes on where no norm follows at once;
  /// with the linear map that ends a branch, in one pass where the device can.
  public func adding(_ other: Variable) -> Variable {
    guard let map = other.waitingMap, let fused = tape.backend as? any FusedKernels else {
      return self + other
    }
    let total = elementwiseResult(with: other)
    fused.add(map, to: value, into: total, norm: nil)
    return sumResult(total, with: other)
  }

  /// This variable plus another of its shape, and the root-mean-square norm of the sum, as a residual
  /// stream with norms before its branches goes on; in one pass where the device can.
  ///
  /// - Parameters:
  ///   - other: What is added.
  ///   - weight: [columns], or nil for none.
  ///   - epsilon: Keeps rows of zeros finite.
  /// - Returns: The sum and its norm.
  public func rmsNorm(
    adding other: Variable, weight: Variable?, epsilon: Float = 1e-5
  ) -> (sum: Variable, norm: Variable) {
    guard let fused = tape.backend as? any FusedKernels else {
      let sum = self + other
      return (sum, sum.rmsNorm(weight: weight, epsilon: epsilon))
    }
    checkNormParameter(weight)
    let total = elementwiseResult(with: other)
    let (y, scale) = (tape.backend.empty(shape), tape.backend.empty([value.rows]))
    if let map = other.waitingMap {
      let norm = SumNorm(
        weight: weight?.value, bias: nil, epsilon: epsilon, y: y, mean: nil, scale: scale)
      fused.add(map, to: value, into: total, norm: norm)
    } else {
      fused.rmsNorm(
        ofSum: value, other.value, weight: weight?.value, epsilon: epsilon, sum: total, into: y,
        scale: scale)
    }
    let sum = sumResult(total, with: other)
    return (sum, sum.rmsNormResult(y, weight: weight, scale: scale))
  }

  /// The same with the layer norm.
  public func layerNorm(
    adding other: Variable, weight: Variable?, bias: Variable?, epsilon: Float = 1e-5
  ) -> (sum: Variable, norm: Variable) {
    guard let fused = tape.backend as? any FusedKernels else {
      let sum = self + other
      return (sum, sum.layerNorm(weight: weight, bias: bias, epsilon: epsilon))
    }
    checkNormParameter(weight)
    checkNormParameter(bias)
    let total = elementwiseResult(with: other)
    let y = tape.backend.empty(shape)
    let (mean, scale) = (tape.backend.empty([value.rows]), tape.backend.empty([value.rows]))
    if let map = other.waitingMap {
      let norm = SumNorm(
        weight: weight?.value, bias: bias?.value, epsilon: epsilon, y: y, mean: mean, scale: scale)
      fused.add(map, to: value, into: total, norm: norm)
    } else {
      fused.layerNorm(
        ofSum: value, other.value, weight: weight?.value, bias: bias?.value, epsilon: epsilon,
        sum: total, into: y, mean: mean, scale: scale)
    }
    let sum = sumResult(total, with: other)
    return (sum, sum.layerNormResult(y, weight: weight, bias: bias, mean: mean, scale: scale))
  }

  private func sumResult(_ total: Tensor, with other: Variable) -> Variable {
    tape.result(total, of: [self, other]) { [self] dy in
      contribute(dy)
      other.contribute(dy)
    }
  }
}
