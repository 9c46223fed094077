public import Tensors

extension Variable {
  /// This variable times a function of another of the same shape, in one pass.
  ///
  /// - Parameters:
  ///   - gate: The argument of the function.
  ///   - function: `silu` for a swish gate, `sigmoid` for a logistic one.
  /// - Returns: self f(gate)
  public func gated(by gate: Variable, _ function: Elementwise) -> Variable {
    let backend = tape.backend
    let y = elementwiseResult(with: gate)
    backend.gate(function, value, by: gate.value, into: y)
    return tape.result(y, of: [self, gate]) { [self] dy in
      guard self !== gate, needsGradient, gate.needsGradient else {
        contributeGateGradients(dy, gate: gate, function)
        return
      }
      contribute { da, accumulateA in
        gate.contribute { db, accumulateB in
          backend.gateBackward(
            function, a: value, b: gate.value, dy: dy, da: da, accumulateA: accumulateA,
            db: db, accumulateB: accumulateB)
        }
      }
    }
  }

  /// The gradients one after the other, where not both are wanted or both are one variable's.
  private func contributeGateGradients(
    _ dy: Tensor, gate: Variable, _ function: Elementwise
  ) {
    let backend = tape.backend
    contribute { da, accumulate in
      backend.gateBackward(
        function, a: value, b: gate.value, dy: dy, da: da, accumulateA: accumulate,
        db: nil, accumulateB: false)
    }
    gate.contribute { db, accumulate in
      backend.gateBackward(
        function, a: value, b: gate.value, dy: dy, da: nil, accumulateA: false,
        db: db, accumulateB: accumulate)
    }
  }
}
