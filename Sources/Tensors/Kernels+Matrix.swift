/// A batch of matrix products C = alpha op(A) op(B) + beta C.
///
/// op(A) is m x k, op(B) is k x n. Leading dimensions are distances of rows as stored; strides
/// are distances of matrices in the batch.
package struct MatrixProduct {
  package var batch = 1
  package var m: Int
  package var n: Int
  package var k: Int
  package var transposeA = false
  package var transposeB = false
  package var lda: Int
  package var ldb: Int
  package var ldc: Int
  package var strideA = 0
  package var strideB = 0
  package var strideC = 0
  package var alpha: Float = 1
  package var beta: Float = 0

  /// A product of contiguous matrices.
  package init(
    m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false, beta: Float = 0
  ) {
    self.m = m
    self.n = n
    self.k = k
    self.transposeA = transposeA
    self.transposeB = transposeB
    lda = transposeA ? m : k
    ldb = transposeB ? k : n
    ldc = n
    self.beta = beta
  }
}

package protocol MatrixKernels {
  /// The products, with `bias` ([n]) added to every row where it is given.
  func multiply(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, bias: Tensor?, into c: Tensor)
}
