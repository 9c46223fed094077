import CKernels
package import Tensors

extension CPUBackend {
  package func apply(_ function: Elementwise, _ x: Tensor, into y: Tensor) {
    kernels.unary(function.rawValue, x.count, x.pointer, y.pointer)
  }

  package func applyBackward(
    _ function: Elementwise, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool
  ) {
    kernels.unary_backward(
      function.rawValue, x.count, x.pointer, y.pointer, dy.pointer, dx.pointer, accumulate ? 1 : 0)
  }

  package func add(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    kernels.add(y.count, a.pointer, b.pointer, y.pointer)
  }

  package func subtract(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    kernels.subtract(y.count, a.pointer, b.pointer, y.pointer)
  }

  package func multiply(_ a: Tensor, _ b: Tensor, into y: Tensor, accumulate: Bool) {
    kernels.multiply(y.count, a.pointer, b.pointer, y.pointer, accumulate ? 1 : 0)
  }

  package func addScaled(_ alpha: Float, _ x: Tensor, to y: Tensor) {
    kernels.add_scaled(y.count, alpha, x.pointer, y.pointer)
  }

  package func affine(_ x: Tensor, scale alpha: Float, shift beta: Float, into y: Tensor) {
    kernels.affine(y.count, alpha, beta, x.pointer, y.pointer)
  }

  package func gate(_ function: Elementwise, _ a: Tensor, by b: Tensor, into y: Tensor) {
    kernels.gate(function.rawValue, y.count, a.pointer, b.pointer, y.pointer)
  }

  package func gateBackward(
    _ function: Elementwise, a: Tensor, b: Tensor, dy: Tensor,
    da: Tensor?, accumulateA: Bool, db: Tensor?, accumulateB: Bool
  ) {
    kernels.gate_backward(
      function.rawValue, dy.count, a.pointer, b.pointer, dy.pointer,
      da?.pointer, accumulateA ? 1 : 0, db?.pointer, accumulateB ? 1 : 0)
  }
}
