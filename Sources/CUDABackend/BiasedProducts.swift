import CCUDA
import Tensors

/// Matrix products that add a bias before they write their result, each as one kernel (cuBLASLt).
///
/// The bias would otherwise cost a kernel more and the result two passes more. What the library has
/// no kernel for is left to the caller.
final class BiasedProducts {
  private let functions: hc_fused
  private let stream: CUDAStream
  private let handle: hc_handle?
  private let workspace: UnsafeMutableRawPointer
  /// What was prepared for each kind of product; nil where the library has nothing.
  private var plans: [Kind: Plan?] = [:]

  /// Starts the library; nil where the machine does not have it.
  ///
  /// - Parameters:
  ///   - stream: Where products are queued.
  ///   - workspace: Memory that only work on the stream uses.
  init?(_ stream: CUDAStream, workspace: UnsafeMutableRawPointer) {
    guard let functions = stream.device.libraries.fused else { return nil }
    var handle: hc_handle?
    var status: Int32 = 0
    stream.device.alone { status = functions.create(&handle) }
    guard status == 0 else { return nil }
    self.functions = functions
    self.stream = stream
    self.handle = handle
    self.workspace = workspace
  }

  deinit {
    plans = [:]
    stream.device.alone { _ = functions.destroy(handle) }
  }

  /// All that the choice of a kernel depends on.
  private struct Kind: Hashable {
    let sizes: [Int]
    let transposeA: Bool
    let transposeB: Bool
    /// Of a, b, c and the bias, in bytes.
    let alignments: [UInt32]
  }

  /// Queues a product; false where the library does not have it and nothing was queued.
  func multiply(
    _ product: MatrixProduct, _ a: Tensor, _ b: Tensor, bias: Tensor, into c: Tensor
  ) -> Bool {
    guard product.batch == 1, product.k > 0 else { return false }
    let kind = Kind(
      sizes: [product.m, product.n, product.k, product.lda, product.ldb, product.ldc],
      transposeA: product.transposeA, transposeB: product.transposeB,
      alignments: [a, b, c, bias].map(Self.alignment))
    if plans[kind] == nil {
      plans[kind] = .some(
        Plan(product, kind.alignments, bias, functions: functions, handle: handle))
    }
    guard case .some(.some(let plan)) = plans[kind], plan.setBias(bias) else { return false }
    var (alpha, beta) = (product.alpha, product.beta)
    // The library knows column-major matrices, as which ours are transposed: C' = op(B)' op(A)'.
    let status = stream.queue {
      functions.multiply(
        handle, plan.operation, &alpha, b.pointer, plan.b, a.pointer, plan.a, &beta, c.pointer,
        plan.c, c.pointer, plan.c, &plan.algorithm, workspace, MatrixLibrary.workspaceBytes, $0)
    }
    if status != 0 { plans[kind] = .some(nil) }
    return status == 0
  }

  /// The power of two that an address is a multiple of, up to what the library asks for.
  private static func alignment(_ tensor: Tensor) -> UInt32 {
    min(256, UInt32(truncatingIfNeeded: 1 << tensor.pointer.raw.device.trailingZeroBitCount))
  }
}

/// The library's description of one kind of product, and the kernel that it chose.
private final class Plan {
  private let functions: hc_fused
  private(set) var operation: hc_handle?
  private(set) var a: hc_handle?
  private(set) var b: hc_handle?
  private(set) var c: hc_handle?
  var algorithm = hc_algorithm()

  init?(
    _ product: MatrixProduct, _ alignments: [UInt32], _ bias: Tensor, functions: hc_fused,
    handle: hc_handle?
  ) {
    self.functions = functions
    guard describe(product), setBias(bias), choose(alignments, handle) else { return nil }
  }

  deinit {
    for layout in [a, b, c] where layout != nil { _ = functions.layout_destroy(layout) }
    if operation != nil { _ = functions.operation_destroy(operation) }
  }

  private func describe(_ product: MatrixProduct) -> Bool {
    let create = { (rows: Int, columns: Int, distance: Int) -> hc_handle? in
      var layout: hc_handle?
      let status = self.functions.layout_create(
        &layout, Int32(HC_REAL_32F), UInt64(rows), UInt64(columns), Int64(distance))
      return status == 0 ? layout : nil
    }
    let (m, n, k) = (product.m, product.n, product.k)
    a = create(product.transposeA ? m : k, product.transposeA ? k : m, product.lda)
    b = create(product.transposeB ? k : n, product.transposeB ? n : k, product.ldb)
    c = create(n, m, product.ldc)
    var made: hc_handle?
    guard a != nil, b != nil, c != nil,
      functions.operation_create(&made, Int32(HC_COMPUTE_32F_TF32), Int32(HC_REAL_32F)) == 0
    else { return false }
    operation = made
    return set(HC_FUSED_TRANSPOSE_A, Int32(product.transposeB ? HC_BLAS_TRANSPOSED : 0))
      && set(HC_FUSED_TRANSPOSE_B, Int32(product.transposeA ? HC_BLAS_TRANSPOSED : 0))
      && set(HC_FUSED_EPILOGUE, UInt32(HC_EPILOGUE_BIAS))
  }

  func setBias(_ bias: Tensor) -> Bool { set(HC_FUSED_BIAS_ADDRESS, bias.pointer.raw.device) }

  private func set(_ attribute: Int, _ value: some BitwiseCopyable) -> Bool {
    withUnsafeBytes(of: value) {
      functions.operation_set(operation, Int32(attribute), $0.baseAddress, $0.count) == 0
    }
  }

  /// Asks the library for its best kernel.
  private func choose(_ alignments: [UInt32], _ handle: hc_handle?) -> Bool {
    var preference: hc_handle?
    guard functions.preference_create(&preference) == 0 else { return false }
    defer { _ = functions.preference_destroy(preference) }
    let set = { (attribute: Int, value: UInt64, bytes: Int) -> Bool in
      withUnsafeBytes(of: value.littleEndian) {
        self.functions.preference_set(preference, Int32(attribute), $0.baseAddress, bytes) == 0
      }
    }
    // What the library calls A is our b; C and D are our c.
    let order = [alignments[1], alignments[0], alignments[2], alignments[2]]
    guard set(HC_FUSED_WORKSPACE_BYTES, UInt64(MatrixLibrary.workspaceBytes), 8),
      order.indices.allSatisfy({ set(HC_FUSED_ALIGNMENT_A + $0, UInt64(order[$0]), 4) })
    else { return false }
    var count: Int32 = 0
    let status = functions.choose(
      handle, operation, b, a, c, c, preference, 1, &algorithm, &count)
    return status == 0 && count == 1 && algorithm.status == 0
      && algorithm.workspace_bytes <= MatrixLibrary.workspaceBytes
  }
}
