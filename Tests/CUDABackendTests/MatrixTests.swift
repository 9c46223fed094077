import CUDABackend
import Tensors
import Testing

/// Matrix products reach a column-major library as what they are.
@Suite struct MatrixTests {
  /// What `begin_product` does, for a library that has no kernels.
  static func beginProduct(_ launch: Launch) {
    guard launch.name == "begin_product", case .float(let beta) = launch.parameters[5] else {
      return
    }
    let counts = launch.parameters.map(\.count)
    let c = launch.floats(7)
    for batch in 0..<counts[0] {
      for row in 0..<counts[1] {
        for column in 0..<counts[2] {
          let place = batch * counts[4] + row * counts[3] + column
          let bias = launch.parameters[6].address == 0 ? 0 : launch.floats(6)[column]
          c[place] = (beta == 0 ? 0 : beta * c[place]) + bias
        }
      }
    }
  }

  private static func numbers(_ count: Int, _ salt: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7 + salt * 5) % 11) - 5 }
  }

  private static func expected(
    _ p: MatrixProduct, _ a: [Float], _ b: [Float], _ bias: [Float]?, _ c: [Float]
  ) -> [Float] {
    var result = c
    for batch in 0..<p.batch {
      for row in 0..<p.m {
        for column in 0..<p.n {
          var sum: Float = 0
          for index in 0..<p.k {
            let left = p.transposeA ? index * p.lda + row : row * p.lda + index
            let right = p.transposeB ? column * p.ldb + index : index * p.ldb + column
            sum += a[batch * p.strideA + left] * b[batch * p.strideB + right]
          }
          let place = batch * p.strideC + row * p.ldc + column
          let old = p.beta == 0 ? 0 : p.beta * c[place]
          result[place] = p.alpha * sum + old + (bias.map { $0[column] } ?? 0)
        }
      }
    }
    return result
  }

  @Test(arguments: [(3, 5, 4), (1, 1, 1), (7, 1, 2), (1, 6, 3), (4, 3, 0)], [false, true])
  func productsAreThoseOfRowMajorMatrices(
    _ size: (m: Int, n: Int, k: Int), _ fused: Bool
  ) throws {
    try withMachine { machine in
      machine.onLaunch(Self.beginProduct)
      let libraries = try machine.libraries(without: fused ? nil : .fused)
      let backend = try CUDABackend(try CUDADevice(0, libraries: libraries, cache: nil))
      for kind in 0..<8 {
        let (transposeA, transposeB, padded) = (kind & 1 > 0, kind & 2 > 0, kind & 4 > 0)
        for beta in [0, 1, 0.5] as [Float] {
          for biased in [false, true] {
            var product = MatrixProduct(
              m: size.m, n: size.n, k: size.k, transposeA: transposeA, transposeB: transposeB,
              beta: beta)
            // Distances of rows beyond the rows, as in parts of larger matrices.
            if padded { (product.lda, product.ldb, product.ldc) = (9, 8, 10) }
            product.alpha = 2
            // Batches have no fused kernel.
            product.batch = fused ? 1 : 2
            (product.strideA, product.strideB, product.strideC) = (80, 70, 90)
            let (a, b) = (Self.numbers(160, 1), Self.numbers(140, 2))
            let c = beta == 0 ? [Float](repeating: .nan, count: 180) : Self.numbers(180, 3)
            let bias = Self.numbers(size.n, 4)
            let onDevice = backend.tensor(c, [180])
            backend.multiply(
              product, backend.tensor(a, [160]), backend.tensor(b, [140]),
              bias: biased ? backend.tensor(bias, [size.n]) : nil, into: onDevice)
            let wanted = Self.expected(product, a, b, biased ? bias : nil, c)
            // As bits, for the NaN between the matrices that nobody may touch.
            #expect(backend.values(onDevice).map(\.bitPattern) == wanted.map(\.bitPattern))
          }
        }
      }
      #expect(backend.failure == nil)
    }
  }

  /// Where a bias is added in the product's own kernel, nothing else is launched.
  @Test func aBiasIsAddedInTheSameKernel() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([8, 8])
      let bias = backend.tensor([1, 2, 3, 4, 5, 6, 7, 8], [8])
      let product = MatrixProduct(m: 8, n: 8, k: 8)
      let y = backend.empty([8, 8])
      for _ in 0..<3 { backend.multiply(product, x, x, bias: bias, into: y) }
      #expect(backend.values(y).prefix(9) == [1, 2, 3, 4, 5, 6, 7, 8, 1])
      #expect(machine.launches.isEmpty && machine.calls("cublasGemmStridedBatchedEx") == 0)
      #expect(machine.calls("cublasLtMatmul") == 3)
      // The library was asked once; another bias of the same kind changes nothing.
      let other = backend.zeros([8])
      backend.multiply(product, x, x, bias: other, into: y)
      #expect(backend.values(y).allSatisfy { $0 == 0 })
      #expect(machine.calls("cublasLtMatmulAlgoGetHeuristic") == 1)
    }
  }

  /// What the library has no kernel for is done in two steps, from then on.
  @Test(arguments: ["cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmul", "cublasLtCreate"])
  func otherwiseItIsAddedBefore(_ refusing: String) throws {
    try withMachine { machine in
      machine.onLaunch(Self.beginProduct)
      machine.fail(refusing, status: 15)
      let backend = try machine.backend()
      let x = backend.zeros([2, 2])
      let (bias, y) = (backend.tensor([1, 2], [2]), backend.empty([2, 2]))
      for _ in 0..<2 {
        backend.multiply(MatrixProduct(m: 2, n: 2, k: 2), x, x, bias: bias, into: y)
        #expect(backend.values(y) == [1, 2, 1, 2])
      }
      #expect(machine.calls(refusing) == 1 && backend.failure == nil)
      #expect(machine.launches.map(\.name) == ["begin_product", "begin_product"])
    }
  }

  @Test func largeBatchesGoInParts() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let count = 70_000
      var product = MatrixProduct(m: 1, n: 1, k: 1)
      product.batch = count
      (product.strideA, product.strideB, product.strideC) = (1, 0, 1)
      let a = backend.tensor((0..<count).map(Float.init), [count])
      let c = backend.empty([count])
      backend.multiply(product, a, backend.tensor([3], [1]), bias: nil, into: c)
      #expect(backend.values(c) == (0..<count).map { 3 * Float($0) })
      #expect(machine.calls("cublasGemmStridedBatchedEx") == 2)
    }
  }

  /// The library's numbers are not the driver's: 3 is no memory, not "not initialised".
  @Test(arguments: [
    (13, "the GPU could not run it", false), (3, "the library has no memory", true),
  ])
  func aRefusedProductIsAFailure(status: Int, text: String, isMemory: Bool) throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([2, 2])
      machine.fail("cublasGemmStridedBatchedEx", status: Int32(status))
      backend.multiply(MatrixProduct(m: 2, n: 2, k: 2), x, x, bias: nil, into: x)
      let failure = try #require(backend.failure as? CUDAError)
      #expect(failure.description == "a matrix product: \(text) (cuBLAS status \(status))")
      #expect(failure.isOutOfMemory == isMemory && !failure.breaksDevice)
    }
  }

  /// The library only says that it could not go on.
  @Test func theDriverTellsWhatBrokeTheDeviceBeforeAProduct() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([2, 2])
      machine.fail("cublasGemmStridedBatchedEx", status: 13)
      machine.fail(
        "cuStreamSynchronize", call: machine.calls("cuStreamSynchronize") + 1, status: 700)
      backend.multiply(MatrixProduct(m: 2, n: 2, k: 2), x, x, bias: nil, into: x)
      let failure = try #require(backend.failure as? CUDAError)
      #expect(failure.breaksDevice)
      #expect(
        failure.description
          == "before a matrix product: an illegal memory access was encountered (CUDA error 700)")
    }
  }
}
