import Tensors

/// Products whose matrices stand side by side in the rows of larger ones, as the blocks of
/// block-diagonal maps do. The library gives each matrix to blocks of threads of its own, which for
/// small ones leaves most of the device idle.
extension CUDABackend {
  /// The terms from which on a sum over rows is worth a product of all blocks with all.
  private static let manyRows = 256
  /// The extent up to which that product costs little beside the reading of its factors.
  static let widestDense = 512
  /// The largest blocks that a thread keeps a column of.
  private static let smallBlock = 16

  /// - Returns: Whether the product was one of these, and was queued.
  func multiplyBlocks(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor) -> Bool {
    guard product.batch > 1, product.k > 0 else { return false }
    if product.transposeA {
      let (m, n) = (product.m, product.n)
      guard
        !product.transposeB, product.k >= Self.manyRows, product.strideA == m,
        product.strideB == n, max(m, n) * product.batch <= Self.widestDense
      else { return false }
      multiplyDense(product, groups: 1, a, b, into: c)
      return true
    }
    guard product.n <= Self.smallBlock, product.k <= Self.smallBlock, product.m >= Self.manyRows
    else { return false }
    multiplySmallBlocks(product, a, b, into: c)
    return true
  }

  /// The sums over rows of all columns of A with all columns of B on the tensor cores, of which the
  /// blocks on the diagonal are kept: the device reads both factors once, and the sum is split.
  ///
  /// - Parameters:
  ///   - product: op(A) is transposed; blocks are side by side in the rows of A and B.
  ///   - groups: B's rows have so many times the blocks, and C's rows so many times n columns.
  ///   - a: The left factors.
  ///   - b: The right factors.
  ///   - c: The blocks.
  func multiplyDense(
    _ product: MatrixProduct, groups: Int, _ a: Tensor, _ b: Tensor, into c: Tensor
  ) {
    let (rows, columns) = (product.batch * product.m, groups * product.batch * product.n)
    var whole = MatrixProduct(m: rows, n: columns, k: product.k, transposeA: true)
    (whole.lda, whole.ldb) = (product.lda, product.ldb)
    let dense = scratch([rows, columns])
    multiply(whole, a, b, bias: nil, into: dense)
    launch(
      KernelProgram("diagonal"), "diagonal_blocks",
      grid: blocks(for: product.batch * product.m * groups * product.n), block: 256, dense, c,
      product.batch, product.m, product.n, groups, columns, product.ldc, product.strideC,
      product.alpha, product.beta)
  }

  private func multiplySmallBlocks(
    _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor
  ) {
    let isWide =
      UInt(bitPattern: a.pointer) % 16 == 0
      && [product.k, product.lda, product.strideA].allSatisfy { $0 % 4 == 0 }
    let columns = product.batch * product.n
    let threads = 256
    let lanes = min(columns, threads)
    let teams = threads / lanes
    launch(
      KernelProgram(
        "blocks",
        [
          "DEPTH": product.k, "TRANSPOSED": product.transposeB ? 1 : 0,
          "VECTOR": isWide ? 4 : 1,
        ]), "block_rows",
      grid: LaunchGrid(
        min(ceiling(product.m, teams * 4), device.multiprocessors * 8), ceiling(columns, lanes)),
      block: threads, a, b, c, product.m, columns, product.n, product.lda, product.strideA,
      product.ldb, product.strideB, product.ldc, product.strideC, product.alpha, product.beta,
      lanes)
  }
}
