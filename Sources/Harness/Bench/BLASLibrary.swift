import Platform
import Tensors

/// A BLAS library found at run time, held to one thread: the yardstick of our matrix products.
final class BLASLibrary {
  private typealias Sgemm =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>?, Int32,
      UnsafePointer<Float>?, Int32, Float, UnsafeMutablePointer<Float>?, Int32
    ) -> Void
  private typealias SetThreads = @convention(c) (Int32) -> Void

  // The values of CBLAS's enumerations.
  private static let rowMajor: Int32 = 101
  private static let plain: Int32 = 111
  private static let transposed: Int32 = 112

  private let library: DynamicLibrary
  private let sgemm: Sgemm

  /// Loads the first library of a list that can be loaded.
  ///
  /// - Throws: `DynamicLibraryError` where none has `cblas_sgemm`.
  init(anyOf names: [String]) throws(DynamicLibraryError) {
    library = try DynamicLibrary(anyOf: names)
    sgemm = try library.function("cblas_sgemm", as: Sgemm.self)
    let setThreads = try? library.function("openblas_set_num_threads", as: SetThreads.self)
    setThreads?(1)
  }

  /// The product C = op(A) op(B).
  func multiply(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, into c: Tensor) {
    sgemm(
      Self.rowMajor, product.transposeA ? Self.transposed : Self.plain,
      product.transposeB ? Self.transposed : Self.plain, Int32(product.m), Int32(product.n),
      Int32(product.k), 1, a.pointer, Int32(product.lda), b.pointer, Int32(product.ldb), 0,
      c.pointer, Int32(product.ldc))
  }
}
