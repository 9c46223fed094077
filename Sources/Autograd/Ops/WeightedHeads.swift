import Tensors

extension Variable {
  /// The layer norm of each head of [..., heads, dim], and a weight for every channel of all heads, in
  /// one pass where the device can.
  ///
  /// - Parameter weight: Of the channels of all heads in turn.
  /// - Returns: layerNorm(self) weight, [..., heads x dim].
  public func layerNorm(ofHeadsWith weight: Variable) -> Variable {
    let (heads, dim) = (shape[shape.count - 2], columns)
    let flat = Array(shape.dropLast(2)) + [heads * dim]
    precondition(weight.shape == [heads * dim], "heads \(shape), weight \(weight.shape)")
    guard let fused = tape.backend as? any FusedKernels, fused.fusesHeads(heads, dim: dim),
      !tape.records([self, weight]) || (needsGradient && weight.needsGradient)
    else { return layerNorm().reshaped(flat).multiplyingRow(weight) }
    let backend = tape.backend
    let y = backend.empty(flat)
    let (mean, scale) = (backend.empty([value.rows]), backend.empty([value.rows]))
    fused.weightedHeads(
      value, weight: weight.value, epsilon: 1e-5, into: y, mean: mean, scale: scale)
    return tape.result(y, of: [self, weight]) { [self] dy in
      Self.withTargets([self]) { targets in
        weight.contributeSum { dweight in
          fused.weightedHeadsBackward(
            value, weight: weight.value, mean: mean, scale: scale, dy: dy, dx: targets[0],
            dweight: dweight)
        }
      }
    }
  }
}
