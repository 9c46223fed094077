import Tensors

extension Variable {
  /// sigmoid(x W + bias)^exponent, in one pass where the device can: for products of few terms.
  ///
  /// - Parameters:
  ///   - weight: W, [columns, outputs].
  ///   - bias: Of the outputs.
  ///   - exponent: The power.
  /// - Returns: The shape of this variable with the last axis replaced by the outputs.
  public func sigmoid(
    ofProductWith weight: Variable, bias: Variable, toPower exponent: Float
  ) -> Variable {
    let inputs = [self, weight, bias]
    guard let fused = tape.backend as? any FusedKernels,
      fused.fusesLowRankPower(rows: value.rows, rank: columns, columns: weight.columns),
      !tape.records(inputs) || inputs.allSatisfy(\.needsGradient)
    else { return linear(weight, bias: bias).sigmoid(toPower: exponent) }
    precondition(
      weight.shape[0] == columns && bias.shape == [weight.columns],
      "sigmoid of a product: \(shape) with \(weight.shape), bias \(bias.shape)")
    let y = tape.backend.empty(shape.dropLast() + [weight.columns])
    let layer = LowRankPower(
      x: value, weight: weight.value, bias: bias.value, exponent: exponent)
    fused.lowRankPower(layer, into: y)
    return tape.result(y, of: inputs) { [self] dy in
      Self.withTargets([self]) { targets in
        Self.withSums([weight, bias]) { sums in
          fused.lowRankPowerBackward(
            layer, y: y, dy: dy, dx: targets[0], dweight: sums[0], dbias: sums[1])
        }
      }
    }
  }
}
