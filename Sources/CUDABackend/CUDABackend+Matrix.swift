import CCUDA
package import Tensors

extension CUDABackend: MatrixKernels {
  /// Batches beyond this go in parts: it is the limit of a grid's third axis.
  private static let largestBatch = 65_535

  /// Products on the tensor cores: factors are rounded to TF32 (10 bits of mantissa), sums are
  /// 32-bit floats.
  package func multiply(
    _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, bias: Tensor?, into c: Tensor
  ) {
    guard isUsable, product.batch > 0, product.m > 0, product.n > 0 else { return }
    settleSums(before: [a, b, bias, c])
    if let bias, let biasedProducts, biasedProducts.multiply(product, a, b, bias: bias, into: c) {
      logWork(product)
      return
    }
    var product = product
    if bias != nil || product.k == 0 {
      beginProduct(product, beta: product.beta, bias: bias, in: c)
      product.beta = 1
    }
    guard product.k > 0, !multiplyBlocks(product, a, b, into: c) else { return }
    logWork(product)
    var start = 0
    while start < product.batch {
      let count = min(Self.largestBatch, product.batch - start)
      let status = ownStream.queue { _ in
        multiply(product, a, b, into: c, matrices: start..<start + count)
      }
      noteProduct(status)
      start += count
    }
  }

  /// The library knows column-major matrices, as which ours are transposed: C' = op(B)' op(A)'.
  private func multiply(
    _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor, matrices: Range<Int>
  ) -> Int32 {
    let (normal, transposed) = (Int32(HC_BLAS_NORMAL), Int32(HC_BLAS_TRANSPOSED))
    let real = Int32(HC_REAL_32F)
    var (alpha, beta) = (product.alpha, product.beta)
    return libraries.blas.multiply(
      blas, product.transposeB ? transposed : normal, product.transposeA ? transposed : normal,
      Int32(product.n), Int32(product.m), Int32(product.k), &alpha,
      b.pointer + matrices.lowerBound * product.strideB, real, Int32(product.ldb),
      Int64(product.strideB), a.pointer + matrices.lowerBound * product.strideA, real,
      Int32(product.lda), Int64(product.strideA), &beta,
      c.pointer + matrices.lowerBound * product.strideC, real, Int32(product.ldc),
      Int64(product.strideC), Int32(matrices.count), Int32(HC_COMPUTE_32F_TF32),
      Int32(HC_ALGORITHM_DEFAULT))
  }

  /// Keeps what the matrix library refused, where it is the first failure.
  ///
  /// The library's numbers are not the driver's. Of a GPU that an earlier kernel broke it only says that
  /// it could not go on: the driver knows what happened, and is asked unless that would spoil a recording.
  private func noteProduct(_ status: Int32) {
    guard status != 0 else { return }
    if recordedUploads == nil { note(driver.stream_wait(stream), "before a matrix product") }
    note(MatrixLibrary.error("a matrix product", status))
  }
}
