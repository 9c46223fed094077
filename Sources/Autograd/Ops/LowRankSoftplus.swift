import Tensors

extension Variable {
  /// softplus(x W + bias), in one pass where the device can: for products of few terms.
  ///
  /// - Parameters:
  ///   - weight: W, [columns, outputs].
  ///   - bias: Of the outputs.
  /// - Returns: The shape of this variable with the last axis replaced by the outputs.
  public func softplus(ofProductWith weight: Variable, bias: Variable) -> Variable {
    let inputs = [self, weight, bias]
    guard let fused = tape.backend as? any FusedKernels,
      fused.fusesLowRankSoftplus(rows: value.rows, rank: columns, columns: weight.columns),
      !tape.records(inputs) || inputs.allSatisfy(\.needsGradient)
    else { return linear(weight, bias: bias).softplus() }
    precondition(
      weight.shape[0] == columns && bias.shape == [weight.columns],
      "softplus of a product: \(shape) with \(weight.shape), bias \(bias.shape)")
    let y = tape.backend.empty(shape.dropLast() + [weight.columns])
    fused.lowRankSoftplus(value, weight: weight.value, bias: bias.value, into: y)
    return tape.result(y, of: inputs) { [self] dy in
      Self.withTargets([self]) { targets in
        Self.withSums([weight, bias]) { sums in
          fused.lowRankSoftplusBackward(
            value, weight: weight.value, y: y, dy: dy, dx: targets[0], dweight: sums[0],
            dbias: sums[1])
        }
      }
    }
  }
}
