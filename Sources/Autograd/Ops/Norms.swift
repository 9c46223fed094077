import Tensors

extension Variable {
  /// The root-mean-square norm over the last axis (Zhang and Sennrich, 2019).
  ///
  /// - Parameters:
  ///   - weight: [columns], or nil for none.
  ///   - epsilon: Keeps rows of zeros finite.
  /// - Returns: x (mean of x^2 + epsilon)^(-1/2) weight
  public func rmsNorm(weight: Variable? = nil, epsilon: Float = 1e-5) -> Variable {
    let backend = tape.backend
    checkNormParameter(weight)
    let y = backend.empty(shape)
    let scale = backend.empty([value.rows])
    backend.rmsNorm(value, weight: weight?.value, epsilon: epsilon, into: y, scale: scale)
    return rmsNormResult(y, weight: weight, scale: scale)
  }

  /// The result of a root-mean-square norm of this variable, which was computed already.
  func rmsNormResult(_ y: Tensor, weight: Variable?, scale: Tensor) -> Variable {
    let backend = tape.backend
    let result = tape.result(y, of: [self, weight]) { [self] dy in
      weight.withGradient { dweight in
        contributing { dx, accumulate in
          backend.rmsNormBackward(
            x: value, weight: weight?.value, scale: scale, dy: dy, dx: dx, accumulate: accumulate,
            dweight: dweight)
        }
      }
    }
    let norm = NormedRows(value, weight: weight?.value, mean: nil, scale: scale, result: y)
    result.jointWayBack = wayBack(through: norm, weight: weight, bias: nil)
    return result
  }

  /// The way back through linear maps of a norm of this variable and the norm; nil where the device has
  /// no kernels for it, or nobody goes back.
  private func wayBack(
    through norm: NormedRows, weight: Variable?, bias: Variable?
  ) -> JointWayBack? {
    guard needsGradient, tape.isRecording, let fused = tape.backend as? any FusedKernels else {
      return nil
    }
    return JointWayBack(
      takes: { fused.fusesNorm(of: norm.x, before: $0) },
      takesWeights: { fused.fusesWeights(of: norm.x, before: $0) },
      run: { [self] maps in
        weight.withGradient { dweight in
          bias.withGradient { dbias in
            contribute { dx, accumulate in
              fused.normGradients(
                norm, before: maps, dx: GradientTarget(tensor: dx, accumulate: accumulate),
                dweight: dweight, dbias: dbias)
            }
          }
        }
      })
  }

  /// The layer norm over the last axis (Ba, Kiros and Hinton, 2016).
  ///
  /// - Parameters:
  ///   - weight: [columns], or nil for none.
  ///   - bias: [columns], or nil for none.
  ///   - epsilon: Keeps constant rows finite.
  /// - Returns: (x - mean) (variance + epsilon)^(-1/2) weight + bias
  public func layerNorm(
    weight: Variable? = nil, bias: Variable? = nil, epsilon: Float = 1e-5
  ) -> Variable {
    let backend = tape.backend
    checkNormParameter(weight)
    checkNormParameter(bias)
    let y = backend.empty(shape)
    let mean = backend.empty([value.rows])
    let scale = backend.empty([value.rows])
    backend.layerNorm(
      value, weight: weight?.value, bias: bias?.value, epsilon: epsilon, into: y, mean: mean,
      scale: scale)
    return layerNormResult(y, weight: weight, bias: bias, mean: mean, scale: scale)
  }

  /// The result of a layer norm of this variable, which was computed already.
  func layerNormResult(
    _ y: Tensor, weight: Variable?, bias: Variable?, mean: Tensor, scale: Tensor
  ) -> Variable {
    let backend = tape.backend
    let result = tape.result(y, of: [self, weight, bias]) { [self] dy in
      weight.withGradient { dweight in
        bias.withGradient { dbias in
          contributing { dx, accumulate in
            backend.layerNormBackward(
              x: value, weight: weight?.value, mean: mean, scale: scale, dy: dy, dx: dx,
              accumulate: accumulate, dweight: dweight, dbias: dbias)
          }
        }
      }
    }
    var norm = NormedRows(value, weight: weight?.value, mean: mean, scale: scale, result: y)
    norm.bias = bias?.value
    result.jointWayBack = wayBack(through: norm, weight: weight, bias: bias)
    return result
  }

  /// x (sum of x^2 + epsilon)^(-1/2) over the last axis.
  ///
  /// The root is over epsilon too, as in the sources of the delta rules (architectures.md, part 2).
  public func l2Norm(epsilon: Float = 1e-6) -> Variable {
    let backend = tape.backend
    let y = backend.empty(shape)
    let scale = backend.empty([value.rows])
    backend.l2Norm(value, epsilon: epsilon, into: y, scale: scale)
    return tape.result(y, of: [self]) { [self] dy in
      contribute { dx, accumulate in
        backend.l2NormBackward(y: y, scale: scale, dy: dy, dx: dx, accumulate: accumulate)
      }
    }
  }

  func checkNormParameter(_ parameter: Variable?) {
    precondition(
      parameter == nil || parameter?.shape == [columns],
      "norm over \(columns) columns with a parameter of shape \(parameter?.shape ?? [])")
  }

  /// Lets a kernel write this variable's gradient, or leave it out where none is needed: unlike
  /// `contribute` it runs the kernel in any case, for the sake of its other gradients.
  private func contributing(_ write: (_ target: Tensor?, _ accumulate: Bool) -> Void) {
    if needsGradient {
      contribute { write($0, $1) }
    } else {
      write(nil, false)
    }
  }
}
