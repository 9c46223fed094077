public import Tensors

extension Variable {
  /// A direct path added, a gate over the sum and a root-mean-square norm after it, in one pass where
  /// the device can.
  ///
  /// - Parameters:
  ///   - direct: Shaped like this variable.
  ///   - skip: The direct path's weights, [columns].
  ///   - gate: The argument of the function, shaped like this variable.
  ///   - function: `silu` for a swish gate.
  ///   - weight: Of the norm, [columns].
  /// - Returns: rmsNorm((self + direct skip) f(gate)) weight, shaped like this variable.
  public func gatedSum(
    direct: Variable, skip: Variable, gatedBy gate: Variable, _ function: Elementwise,
    weight: Variable
  ) -> Variable {
    precondition(
      direct.shape == shape && gate.shape == shape && skip.shape == [columns]
        && weight.shape == [columns],
      "gated sum of \(shape): direct \(direct.shape), gate \(gate.shape), skip \(skip.shape)")
    let inputs = [self, direct, skip, gate, weight]
    guard let fused = tape.backend as? any FusedKernels, fused.fusesGatedSums(columns: columns),
      !tape.records(inputs) || inputs.allSatisfy(\.needsGradient), self !== direct,
      self !== gate, direct !== gate
    else {
      return (self + direct.multiplyingRow(skip)).gated(by: gate, function)
        .rmsNorm(weight: weight)
    }
    let y = tape.backend.empty(shape)
    let scale = tape.backend.empty([value.rows])
    let values = GatedSum(
      function: function, x: value, direct: direct.value, skip: skip.value, gate: gate.value,
      weight: weight.value)
    fused.gatedSum(values, epsilon: 1e-5, into: y, scale: scale)
    return tape.result(y, of: inputs) { dy in
      Self.withTargets([self, direct, gate]) { targets in
        weight.contributeSum { dweight in
          skip.contributeSum { dskip in
            fused.gatedSumBackward(
              values, scale: scale, dy: dy,
              into: GatedSumGradients(
                x: targets[0], direct: targets[1], gate: targets[2], weight: dweight, skip: dskip)
            )
          }
        }
      }
    }
  }
}
