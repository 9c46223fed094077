import CKernels
package import Tensors

extension CPUBackend {
  package func addRow(_ x: Tensor, _ v: Tensor, into y: Tensor) {
    kernels.add_row(x.rows, x.columns, x.pointer, v.pointer, y.pointer)
  }

  package func multiplyRow(_ x: Tensor, _ v: Tensor, into y: Tensor, accumulate: Bool) {
    kernels.multiply_row(
      x.rows, x.columns, x.pointer, v.pointer, y.pointer, accumulate ? 1 : 0)
  }

  package func sumRows(_ dy: Tensor, addedTo dv: Tensor) {
    kernels.sum_rows(dy.rows, dy.columns, dy.pointer, dv.pointer)
  }

  package func sumRowsProduct(_ dy: Tensor, _ x: Tensor, addedTo dv: Tensor) {
    kernels.sum_rows_product(dy.rows, dy.columns, dy.pointer, x.pointer, dv.pointer)
  }

  package func scaleRows(_ x: Tensor, by s: Tensor, into y: Tensor, accumulate: Bool) {
    kernels.scale_rows(x.rows, x.columns, x.pointer, s.pointer, y.pointer, accumulate ? 1 : 0)
  }

  package func dotRows(_ x: Tensor, _ z: Tensor, into y: Tensor, accumulate: Bool) {
    kernels.dot_rows(x.rows, x.columns, x.pointer, z.pointer, y.pointer, accumulate ? 1 : 0)
  }

  package func rmsNorm(
    _ x: Tensor, weight: Tensor?, epsilon: Float, into y: Tensor, scale: Tensor
  ) {
    kernels.rms_norm(
      x.rows, x.columns, epsilon, x.pointer, weight?.pointer, y.pointer, scale.pointer)
  }

  package func rmsNormBackward(
    x: Tensor, weight: Tensor?, scale: Tensor, dy: Tensor, dx: Tensor?, accumulate: Bool,
    dweight: Tensor?
  ) {
    kernels.rms_norm_backward(
      x.rows, x.columns, x.pointer, weight?.pointer, scale.pointer, dy.pointer, dx?.pointer,
      accumulate ? 1 : 0, dweight?.pointer)
  }

  package func layerNorm(
    _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float, into y: Tensor, mean: Tensor,
    scale: Tensor
  ) {
    kernels.layer_norm(
      x.rows, x.columns, epsilon, x.pointer, weight?.pointer, bias?.pointer, y.pointer,
      mean.pointer, scale.pointer)
  }

  package func layerNormBackward(
    x: Tensor, weight: Tensor?, mean: Tensor, scale: Tensor, dy: Tensor, dx: Tensor?,
    accumulate: Bool, dweight: Tensor?, dbias: Tensor?
  ) {
    kernels.layer_norm_backward(
      x.rows, x.columns, x.pointer, weight?.pointer, mean.pointer, scale.pointer, dy.pointer,
      dx?.pointer, accumulate ? 1 : 0, dweight?.pointer, dbias?.pointer)
  }

  package func l2Norm(_ x: Tensor, epsilon: Float, into y: Tensor, scale: Tensor) {
    kernels.l2_norm(x.rows, x.columns, epsilon, x.pointer, y.pointer, scale.pointer)
  }

  package func l2NormBackward(
    y: Tensor, scale: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool
  ) {
    kernels.l2_norm_backward(
      y.rows, y.columns, y.pointer, scale.pointer, dy.pointer, dx.pointer, accumulate ? 1 : 0)
  }

  package func gatherRows(_ table: Tensor, at index: IndexTensor, into y: Tensor) {
    kernels.gather_rows(index.count, table.columns, index.pointer, table.pointer, y.pointer)
  }

  package func scatterAddRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    kernels.scatter_add_rows(
      index.count, dtable.columns, index.pointer, dy.pointer, dtable.pointer)
  }

  package func rotary(
    _ x: Tensor, cosine: Tensor, sine: Tensor, offset: Int, inverse: Bool, into y: Tensor
  ) {
    let shape = x.shape
    kernels.rotary(
      shape[0], shape[1], shape[2], shape[3], offset, inverse ? -1 : 1, cosine.pointer,
      sine.pointer, x.pointer, y.pointer)
  }
}
