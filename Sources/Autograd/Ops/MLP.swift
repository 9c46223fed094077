import Tensors

extension Variable {
  /// Two linear maps of the last axis with a Gaussian error linear unit between them, without the
  /// numbers between them coming to memory where the device can.
  ///
  /// - Parameters:
  ///   - up: [width, hidden]
  ///   - upBias: [hidden]
  ///   - down: [hidden, width]
  ///   - downBias: [width]
  /// - Returns: gelu(self up + upBias) down + downBias, shaped like this variable.
  public func mlp(
    up: Variable, upBias: Variable, down: Variable, downBias: Variable
  ) -> Variable {
    let inputs = [self, up, upBias, down, downBias]
    let layer = MLP(
      x: value, up: up.value, upBias: upBias.value, down: down.value, downBias: downBias.value)
    // Only the usual cases have kernels: everything is trained, or nothing is.
    guard let fused = tape.backend as? any FusedKernels, columns == down.columns,
      fused.fuses(layer), !tape.records(inputs) || inputs.allSatisfy(\.needsGradient)
    else { return linear(up, bias: upBias).gelu().linear(down, bias: downBias) }
    let y = tape.backend.empty(shape)
    let weights = fused.mlp(layer, into: y)
    return tape.result(y, of: inputs) { dy in
      Self.mlpBackward(layer, weights: weights, dy: dy, into: inputs, on: fused)
    }
  }

  /// This variable and an MLP of its root-mean-square norm added up as one operation.
  ///
  /// - Parameters:
  ///   - weight: Of the norm, [width].
  ///   - epsilon: Keeps rows of zeros finite.
  ///   - up: [width, hidden]
  ///   - upBias: [hidden]
  ///   - down: [hidden, width]
  ///   - downBias: [width]
  /// - Returns: self + rmsNorm(self).mlp(...), or nil where the device has no kernel for it.
  public func addingMLP(
    ofNormWith weight: Variable, epsilon: Float = 1e-5, up: Variable, upBias: Variable,
    down: Variable, downBias: Variable
  ) -> Variable? {
    let backend = tape.backend
    let (parameters, rows) = ([up, upBias, down, downBias], value.rows)
    let inputs = [self, weight] + parameters
    guard let fused = backend as? any FusedKernels, columns == down.columns else { return nil }
    let scale = backend.empty([rows])
    var layer = MLP(
      x: value, up: up.value, upBias: upBias.value, down: down.value, downBias: downBias.value)
    layer.norm = MLPNorm(weight: weight.value, epsilon: epsilon, scale: scale)
    layer.isAdded = true
    guard fused.fuses(layer), !tape.records(inputs) || inputs.allSatisfy(\.needsGradient)
    else { return nil }
    let y = backend.empty(shape)
    let weights = fused.mlp(layer, into: y)
    if fused.joinsNorm(layer) {
      return tape.result(y, of: inputs) { [self, layer] dy in
        weight.contributeSum { dweight in
          Self.mlpBackward(
            layer, weights: weights, dy: dy, into: [self] + parameters, norm: dweight, on: fused)
        }
      }
    }
    // What the norm makes is in no tensor, only its gradient will be.
    let normalised = tape.result(value, of: [self, weight]) { [self] dy in
      weight.contributeSum { dweight in
        contribute { dx, accumulate in
          backend.rmsNormBackward(
            x: value, weight: weight.value, scale: scale, dy: dy, dx: dx, accumulate: accumulate,
            dweight: dweight)
        }
      }
    }
    return tape.result(y, of: [self, normalised] + parameters) { [self, layer] dy in
      contribute(dy)
      Self.mlpBackward(layer, weights: weights, dy: dy, into: [normalised] + parameters, on: fused)
    }
  }

  private static func mlpBackward(
    _ layer: MLP, weights: Tensor, dy: Tensor, into variables: [Variable], norm: Tensor? = nil,
    on fused: any FusedKernels
  ) {
    withTargets(variables) { targets in
      var gradients = MLPGradients(
        x: targets[0], up: targets[1], upBias: targets[2], down: targets[3], downBias: targets[4])
      gradients.norm = norm
      fused.mlpBackward(layer, weights: weights, dy: dy, into: gradients)
    }
  }
}
