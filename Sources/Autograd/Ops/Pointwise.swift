public import Tensors

extension Variable {
  /// The function of every element.
  public func applying(_ function: Elementwise) -> Variable {
    let backend = tape.backend
    let y = backend.empty(shape)
    backend.apply(function, value, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      contribute { dx, accumulate in
        backend.applyBackward(function, x: value, y: y, dy: dy, dx: dx, accumulate: accumulate)
      }
    }
  }

  public func negated() -> Variable { applying(.negate) }
  public func square() -> Variable { applying(.square) }
  public func exp() -> Variable { applying(.exp) }
  public func sigmoid() -> Variable { applying(.sigmoid) }
  public func logSigmoid() -> Variable { applying(.logSigmoid) }
  public func tanh() -> Variable { applying(.tanh) }
  public func relu() -> Variable { applying(.relu) }
  /// x sigmoid(x), also called swish.
  public func silu() -> Variable { applying(.silu) }
  /// x Phi(x), with the exact normal distribution.
  public func gelu() -> Variable { applying(.gelu) }
  /// log(1 + e^x), stable for large x of either sign.
  public func softplus() -> Variable { applying(.softplus) }
  /// x + 1 above 0, e^x below: the positive feature map of linear attention.
  public func eluPlusOne() -> Variable { applying(.eluPlusOne) }

  /// scale x + shift, for every element x.
  public func affine(scale: Float, shift: Float) -> Variable {
    let backend = tape.backend
    let y = backend.empty(shape)
    backend.affine(value, scale: scale, shift: shift, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      if scale == 1 {
        contribute(dy)
      } else {
        contribute { dx, accumulate in
          if accumulate {
            backend.addScaled(scale, dy, to: dx)
          } else {
            backend.affine(dy, scale: scale, shift: 0, into: dx)
          }
        }
      }
    }
  }

  public func scaled(by factor: Float) -> Variable { affine(scale: factor, shift: 0) }

  /// The sum of two variables of one shape.
  public static func + (a: Variable, b: Variable) -> Variable {
    let y = a.elementwiseResult(with: b)
    a.tape.backend.add(a.value, b.value, into: y)
    return a.tape.result(y, of: [a, b]) { dy in
      a.contribute(dy)
      b.contribute(dy)
    }
  }

  /// The difference of two variables of one shape.
  public static func - (a: Variable, b: Variable) -> Variable {
    let backend = a.tape.backend
    let y = a.elementwiseResult(with: b)
    backend.subtract(a.value, b.value, into: y)
    return a.tape.result(y, of: [a, b]) { dy in
      a.contribute(dy)
      b.contribute { db, accumulate in
        if accumulate {
          backend.addScaled(-1, dy, to: db)
        } else {
          backend.affine(dy, scale: -1, shift: 0, into: db)
        }
      }
    }
  }

  /// The product, element by element, of two variables of one shape.
  public static func * (a: Variable, b: Variable) -> Variable {
    let backend = a.tape.backend
    let y = a.elementwiseResult(with: b)
    backend.multiply(a.value, b.value, into: y, accumulate: false)
    return a.tape.result(y, of: [a, b]) { dy in
      a.contribute { da, accumulate in
        backend.multiply(dy, b.value, into: da, accumulate: accumulate)
      }
      b.contribute { db, accumulate in
        backend.multiply(dy, a.value, into: db, accumulate: accumulate)
      }
    }
  }

  /// A fresh tensor for the result of an operation on two variables that must have one shape.
  func elementwiseResult(with other: Variable) -> Tensor {
    precondition(shape == other.shape, "element-wise: shapes \(shape) and \(other.shape)")
    return tape.backend.empty(shape)
  }
}
