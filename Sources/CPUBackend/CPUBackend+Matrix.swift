import CKernels
package import Tensors

extension CPUBackend: MatrixKernels {
  package func multiply(
    _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, bias: Tensor?, into c: Tensor
  ) {
    multiply(product, a.pointer, b.pointer, bias: bias?.pointer, into: c.pointer)
  }

  /// The products on bare memory, for kernels that are made of several.
  func multiply(
    _ product: MatrixProduct, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, into c: UnsafeMutablePointer<Float>
  ) {
    var shape = product.kernelShape
    kernels.gemm(&shape, a, b, bias, c, scratch(kernels.gemm_workspace(&shape)))
  }
}

extension MatrixProduct {
  /// The same product as the kernels know it.
  var kernelShape: hk_gemm {
    hk_gemm(
      batch: batch, m: m, n: n, k: k, lda: lda, ldb: ldb, ldc: ldc, stride_a: strideA,
      stride_b: strideB, stride_c: strideC, transpose_a: transposeA ? 1 : 0,
      transpose_b: transposeB ? 1 : 0, alpha: alpha, beta: beta)
  }
}
