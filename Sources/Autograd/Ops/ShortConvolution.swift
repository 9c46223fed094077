public import Tensors

extension Variable {
  /// A short causal convolution of every channel on its own: f(sum_j w[j] x[t-j] + bias).
  ///
  /// This variable is [batch, length, channels].
  ///
  /// - Parameters:
  ///   - weight: [width, channels], width 1 to 8; row 0 meets the present position.
  ///   - bias: [channels], or nil.
  ///   - activation: f.
  ///   - previous: [batch, width - 1, channels], the inputs before the first position, oldest
  ///     first; nil for zeros. It is a constant: no gradient flows to an earlier segment.
  ///   - wantsNext: Whether to return the `previous` of the segment that follows.
  /// - Returns: The outputs, shaped like this variable, and the inputs to carry on.
  public func shortConvolution(
    weight: Variable, bias: Variable? = nil, activation: Elementwise = .silu,
    previous: Variable? = nil, wantsNext: Bool = false
  ) -> (outputs: Variable, next: Variable?) {
    let (width, batch) = (weight.shape[0], shape[0])
    precondition(
      shape.count == 3 && weight.shape == [width, columns] && (1...8).contains(width),
      "shortConvolution: input \(shape), weight \(weight.shape)")
    precondition(
      previous.map { $0.shape == [batch, width - 1, columns] } ?? true,
      "shortConvolution: previous inputs \(previous?.shape ?? []), weight \(weight.shape)")
    let backend = tape.backend
    let y = backend.empty(shape)
    let next = wantsNext ? backend.empty([batch, width - 1, columns]) : nil
    backend.shortConvolution(
      activation, value, weight: weight.value, bias: bias?.value, previous: previous?.value,
      into: y, next: next)
    let outputs = tape.result(y, of: [self, weight, bias]) { [self] dy in
      if previous == nil, needsGradient, let fused = backend as? any FusedKernels {
        return contributeConvolution(activation, weight: weight, bias: bias, dy: dy, on: fused)
      }
      let dx = backend.empty(shape)
      Optional(weight).withGradient { dweight in
        bias.withGradient { dbias in
          backend.shortConvolutionBackward(
            activation, x: value, weight: weight.value, bias: bias?.value,
            previous: previous?.value, dy: dy, dx: dx, dweight: dweight, dbias: dbias)
        }
      }
      contribute(dx)
    }
    return (outputs, next.map(tape.constant))
  }

  /// The gradients of a convolution of this variable, added where there is one already by the kernel.
  private func contributeConvolution(
    _ activation: Elementwise, weight: Variable, bias: Variable?, dy: Tensor,
    on fused: any FusedKernels
  ) {
    contribute { dx, accumulate in
      Optional(weight).withGradient { dweight in
        bias.withGradient { dbias in
          var gradients = ConvolutionGradients(dy: dy, dx: dx, dweight: dweight, dbias: dbias)
          gradients.accumulates = accumulate
          fused.shortConvolutionsBackward(
            activation, [ConvolvedTensor(x: value, weight: weight.value, bias: bias?.value)],
            unitHeads: 1, epsilon: 0, [gradients])
        }
      }
    }
  }
}
