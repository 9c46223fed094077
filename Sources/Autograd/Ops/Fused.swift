public import Tensors

extension Variable {
  /// The root-mean-square norm over the last axis, times a function of a gate, in one pass where the
  /// device can.
  ///
  /// - Parameters:
  ///   - weight: [columns], or nil for none.
  ///   - gate: The argument of the function: as many elements as this variable.
  ///   - function: `silu` for a swish gate.
  ///   - epsilon: Keeps rows of zeros finite.
  /// - Returns: rmsNorm(self) f(gate), shaped like the gate.
  public func rmsNorm(
    weight: Variable?, gatedBy gate: Variable, _ function: Elementwise, epsilon: Float = 1e-5
  ) -> Variable {
    precondition(
      value.count == gate.value.count, "gated norm: \(shape) by a gate of shape \(gate.shape)")
    // Only the usual cases have kernels: the rows and the gate are trained through, or nothing is.
    guard let fused = tape.backend as? any FusedKernels,
      !tape.records([self, gate, weight]) || (needsGradient && gate.needsGradient), self !== gate
    else {
      return rmsNorm(weight: weight, epsilon: epsilon).reshaped(gate.shape)
        .gated(by: gate, function)
    }
    let y = tape.backend.empty(gate.shape)
    let scale = tape.backend.empty([value.rows])
    fused.gatedNorm(
      function, value, weight: weight?.value, gate: gate.value, epsilon: epsilon,
      into: y.reshaped(shape), scale: scale)
    return tape.result(y, of: [self, gate, weight]) { [self] dy in
      weight.withGradient { dweight in
        contribute { dx, accumulateX in
          gate.contribute { dgate, accumulateGate in
            fused.gatedNormBackward(
              function, x: value, weight: weight?.value, scale: scale, gate: gate.value, dy: dy,
              dx: dx, accumulateX: accumulateX, dgate: dgate, accumulateGate: accumulateGate,
              dweight: dweight)
          }
        }
      }
    }
  }

  /// A function of every element times a number: strengths between 0 and 2 are twice a sigmoid.
  public func applying(_ function: Elementwise, scaledBy factor: Float) -> Variable {
    guard factor != 1, let fused = tape.backend as? any FusedKernels else {
      let y = applying(function)
      return factor == 1 ? y : y.scaled(by: factor)
    }
    let y = tape.backend.empty(shape)
    fused.apply(function, value, scaledBy: factor, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      contribute { dx, accumulate in
        fused.applyBackward(
          function, x: value, scaledBy: factor, dy: dy, dx: dx, accumulate: accumulate)
      }
    }
  }

  /// sigmoid(x)^exponent for every element x: a factor between 0 and 1 that is near 1 for small
  /// exponents, as the decays of gated linear attention are.
  public func sigmoid(toPower exponent: Float) -> Variable {
    guard let fused = tape.backend as? any FusedKernels else {
      return logSigmoid().scaled(by: exponent).exp()
    }
    let y = tape.backend.empty(shape)
    fused.sigmoidPower(value, exponent: exponent, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      contribute { dx, accumulate in
        fused.sigmoidPowerBackward(
          x: value, y: y, exponent: exponent, dy: dy, dx: dx, accumulate: accumulate)
      }
    }
  }
}
