public import Tensors

extension Variable {
  /// Heads normalised one by one, a direct path beside them, and a gate over both, in one pass where
  /// the device can.
  ///
  /// - Parameters:
  ///   - factors: What each head of a token is multiplied by first, [..., heads].
  ///   - weight: Of the norm, [heads x dim].
  ///   - direct: [..., heads x dim]
  ///   - skip: The direct path's weights, [heads x dim].
  ///   - gate: The argument of the function, as `direct`.
  ///   - function: `silu` for a swish gate.
  /// - Returns: (layerNorm(self factors) weight + direct skip) f(gate), shaped like `direct`.
  public func normalisedHeads(
    factors: Variable, weight: Variable, direct: Variable, skip: Variable, gatedBy gate: Variable,
    _ function: Elementwise
  ) -> Variable {
    let inputs = [self, factors, weight, direct, skip, gate]
    guard let fused = tape.backend as? any FusedKernels,
      fused.fusesHeads(factors.columns, dim: columns),
      !tape.records(inputs) || inputs.allSatisfy(\.needsGradient), direct !== gate
    else {
      let y = scalingRows(by: factors).layerNorm().reshaped(direct.shape).multiplyingRow(weight)
      return (y + direct.multiplyingRow(skip)).gated(by: gate, function)
    }
    let backend = tape.backend
    let y = backend.empty(direct.shape)
    let (mean, scale) = (backend.empty([value.rows]), backend.empty([value.rows]))
    let values = GatedHeads(
      function: function, x: value, factors: factors.value, weight: weight.value,
      direct: direct.value, skip: skip.value, gate: gate.value)
    fused.gatedHeads(values, epsilon: 1e-5, into: y, mean: mean, scale: scale)
    return tape.result(y, of: inputs) { dy in
      Self.withTargets([self, factors, direct, gate]) { targets in
        weight.contributeSum { dweight in
          skip.contributeSum { dskip in
            fused.gatedHeadsBackward(
              values, mean: mean, scale: scale, dy: dy,
              into: GatedHeadsGradients(
                x: targets[0], factors: targets[1], direct: targets[2], gate: targets[3],
                weight: dweight, skip: dskip))
          }
        }
      }
    }
  }

  /// Lets one kernel write or add the gradients of several variables, all of which need one.
  static func withTargets(
    _ variables: [Variable], _ found: [GradientTarget] = [], _ body: ([GradientTarget]) -> Void
  ) {
    guard found.count < variables.count else { return body(found) }
    variables[found.count].contribute { tensor, accumulate in
      let target = GradientTarget(tensor: tensor, accumulate: accumulate)
      withTargets(variables, found + [target], body)
    }
  }
}
