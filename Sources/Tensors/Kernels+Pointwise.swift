/// Element-wise functions of one argument.
///
/// The order is that of `hk_unary` in `CKernels.h`.
public enum Elementwise: Int32, Sendable, CaseIterable {
  case identity, negate, square, exp, sigmoid, logSigmoid, tanh, relu, silu, gelu, softplus
  case eluPlusOne
}

package protocol PointwiseKernels {
  func apply(_ function: Elementwise, _ x: Tensor, into y: Tensor)
  /// dx (+)= f'(x) dy, with y = f(x)
  func applyBackward(
    _ function: Elementwise, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool)
  func add(_ a: Tensor, _ b: Tensor, into y: Tensor)
  func subtract(_ a: Tensor, _ b: Tensor, into y: Tensor)
  /// y (+)= a b
  func multiply(_ a: Tensor, _ b: Tensor, into y: Tensor, accumulate: Bool)
  /// y += alpha x
  func addScaled(_ alpha: Float, _ x: Tensor, to y: Tensor)
  /// y = alpha x + beta
  func affine(_ x: Tensor, scale alpha: Float, shift beta: Float, into y: Tensor)
  /// y = a f(b)
  func gate(_ function: Elementwise, _ a: Tensor, by b: Tensor, into y: Tensor)
  func gateBackward(
    _ function: Elementwise, a: Tensor, b: Tensor, dy: Tensor,
    da: Tensor?, accumulateA: Bool, db: Tensor?, accumulateB: Bool)
}
