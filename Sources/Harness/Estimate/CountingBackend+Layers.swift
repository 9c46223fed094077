import Tensors

/// Matrix products, element-wise functions, rows, the loss and the optimiser.
extension CountingBackend {
  func multiply(
    _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, bias: Tensor?, into c: Tensor
  ) {
    let outputs = product.batch * product.m * product.n
    count(2 * Double(product.k), each: outputs)
    if bias != nil { count(each: outputs) }
  }

  func apply(_ function: Elementwise, _ x: Tensor, into y: Tensor) {
    count(function.operations, each: x.count)
  }

  func applyBackward(
    _ function: Elementwise, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool
  ) {
    count(function.operations + (accumulate ? 2 : 1), each: x.count)
  }

  func add(_ a: Tensor, _ b: Tensor, into y: Tensor) { count(each: y.count) }
  func subtract(_ a: Tensor, _ b: Tensor, into y: Tensor) { count(each: y.count) }
  func multiply(_ a: Tensor, _ b: Tensor, into y: Tensor, accumulate: Bool) {
    count(accumulate ? 2 : 1, each: y.count)
  }
  func addScaled(_ alpha: Float, _ x: Tensor, to y: Tensor) { count(2, each: y.count) }
  func affine(_ x: Tensor, scale alpha: Float, shift beta: Float, into y: Tensor) {
    count(2, each: y.count)
  }

  func gate(_ function: Elementwise, _ a: Tensor, by b: Tensor, into y: Tensor) {
    count(function.operations + 1, each: y.count)
  }

  func gateBackward(
    _ function: Elementwise, a: Tensor, b: Tensor, dy: Tensor,
    da: Tensor?, accumulateA: Bool, db: Tensor?, accumulateB: Bool
  ) {
    if da != nil { count(function.operations + (accumulateA ? 2 : 1), each: dy.count) }
    if db != nil { count(function.operations + (accumulateB ? 3 : 2), each: dy.count) }
  }

  func addRow(_ x: Tensor, _ v: Tensor, into y: Tensor) { count(each: y.count) }
  func multiplyRow(_ x: Tensor, _ v: Tensor, into y: Tensor, accumulate: Bool) {
    count(accumulate ? 2 : 1, each: y.count)
  }
  func sumRows(_ dy: Tensor, addedTo dv: Tensor) { count(each: dy.count) }
  func sumRowsProduct(_ dy: Tensor, _ x: Tensor, addedTo dv: Tensor) { count(2, each: dy.count) }
  func scaleRows(_ x: Tensor, by s: Tensor, into y: Tensor, accumulate: Bool) {
    count(accumulate ? 2 : 1, each: y.count)
  }
  func dotRows(_ x: Tensor, _ z: Tensor, into y: Tensor, accumulate: Bool) {
    count(2, each: x.count)
  }

  func rmsNorm(_ x: Tensor, weight: Tensor?, epsilon: Float, into y: Tensor, scale: Tensor) {
    count(weight == nil ? 3 : 4, each: x.count)
  }

  func rmsNormBackward(
    x: Tensor, weight: Tensor?, scale: Tensor, dy: Tensor, dx: Tensor?, accumulate: Bool,
    dweight: Tensor?
  ) {
    if dx != nil { count(6, each: x.count) }
    if dweight != nil { count(3, each: x.count) }
  }

  func layerNorm(
    _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float, into y: Tensor, mean: Tensor,
    scale: Tensor
  ) {
    count(6 + (weight == nil ? 0 : 1) + (bias == nil ? 0 : 1), each: x.count)
  }

  func layerNormBackward(
    x: Tensor, weight: Tensor?, mean: Tensor, scale: Tensor, dy: Tensor, dx: Tensor?,
    accumulate: Bool, dweight: Tensor?, dbias: Tensor?
  ) {
    if dx != nil { count(9, each: x.count) }
    if dweight != nil { count(4, each: x.count) }
    if dbias != nil { count(each: x.count) }
  }

  func l2Norm(_ x: Tensor, epsilon: Float, into y: Tensor, scale: Tensor) {
    count(3, each: x.count)
  }
  func l2NormBackward(y: Tensor, scale: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool) {
    count(5, each: y.count)
  }

  func gatherRows(_ table: Tensor, at index: IndexTensor, into y: Tensor) {}
  func gatherRows(
    _ table: Tensor, at index: IndexTensor, adding added: Tensor, into y: Tensor
  ) {
    count(each: y.count)
  }
  func scatterAddRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    count(each: dy.count)
  }

  func rotary(
    _ x: Tensor, cosine: Tensor, sine: Tensor, offset: Int, inverse: Bool, into y: Tensor
  ) {
    count(3, each: x.count)
  }

  func linearCrossEntropy(
    hidden: Tensor, weight: Tensor, bias: Tensor?, target: IndexTensor, scale: Tensor,
    loss: Tensor, best: IndexTensor, dhidden: Tensor?, dweight: Tensor?, dbias: Tensor?
  ) {
    let logits = target.count * weight.rows
    // The largest, its place, the exponentials and their sum.
    count(2 * Double(weight.columns) + (bias == nil ? 0 : 1) + 5, each: logits)
    for gradient in [dhidden, dweight] where gradient != nil {
      count(2 * Double(weight.columns), each: logits)
    }
    if dhidden != nil || dweight != nil || dbias != nil { count(2, each: logits) }
    if dbias != nil { count(each: logits) }
    // Some of the logits are kept for a moment.
    _ = empty([min(target.count, 256), weight.rows])
  }

  func gradientNorm(_ gradients: Tensor, into norm: Tensor) { count(2, each: gradients.count) }
  func adamW(
    _ step: Tensor, decayed: Int, norm: Tensor, parameters: Tensor, gradients: Tensor,
    first: Tensor, second: Tensor, clearing: Bool
  ) {
    count(14, each: parameters.count)
  }
}

extension Elementwise {
  /// Operations for one element.
  fileprivate var operations: Double {
    switch self {
    case .identity: 0
    case .negate, .square, .exp, .relu, .tanh: 1
    case .sigmoid, .eluPlusOne, .softplus: 3
    case .logSigmoid, .silu: 4
    case .gelu: 8
    }
  }
}
