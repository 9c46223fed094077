import Tensors

extension Variable {
  /// A short causal convolution times a linear gate, plus the input.
  ///
  /// It is the mixer BaseConv (arXiv 2312.04927), all but the gate's product in one pass where the
  /// device can.
  ///
  /// This variable is [batch, length, channels].
  ///
  /// - Parameters:
  ///   - weight: The filter, [taps, channels]; row 0 meets the present position.
  ///   - bias: Of the convolution, [channels].
  ///   - gateWeight: [channels, channels]
  ///   - gateBias: [channels]
  /// - Returns: (conv(x) + bias) (x W + b) + x, shaped like this variable.
  public func gatedConvolution(
    weight: Variable, bias: Variable, gateWeight: Variable, gateBias: Variable
  ) -> Variable {
    let all = [self, weight, bias, gateWeight, gateBias]
    // Only the usual cases have kernels: all is trained, or nothing is.
    guard let fused = tape.backend as? any FusedKernels,
      !tape.records(all) || all.allSatisfy(\.needsGradient)
    else {
      let (y, _) = shortConvolution(weight: weight, bias: bias, activation: .identity)
      return y * linear(gateWeight, bias: gateBias) + self
    }
    let gate = linear(gateWeight)
    let inputs = GatedConvolution(
      x: value, gate: gate.value, weight: weight.value, bias: bias.value,
      gateBias: gateBias.value)
    let y = tape.backend.empty(shape)
    fused.gatedConvolution(inputs, into: y)
    return tape.result(y, of: [self, weight, bias, gate, gateBias]) { [self] dy in
      let dgate = tape.backend.empty(shape)
      contribute { dx, accumulate in
        Variable.withGradients([weight, bias, gateBias]) { parameters in
          fused.gatedConvolutionBackward(
            inputs, dy: dy,
            into: GatedConvolutionGradients(
              x: GradientTarget(tensor: dx, accumulate: accumulate), gate: dgate,
              weight: parameters[0], bias: parameters[1], gateBias: parameters[2]))
        }
      }
      gate.contribute(dgate)
    }
  }

  /// Lets a kernel add to the gradients of several parameters, all of which are trained.
  private static func withGradients(
    _ parameters: [Variable], _ targets: [Tensor] = [], _ body: ([Tensor]) -> Void
  ) {
    guard targets.count < parameters.count else { return body(targets) }
    Optional(parameters[targets.count]).withGradient { target in
      withGradients(parameters, targets + (target.map { [$0] } ?? []), body)
    }
  }
}
