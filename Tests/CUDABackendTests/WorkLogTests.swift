import CUDABackend
import Tensors
import Testing

/// What is told of the kernels of a step.
@Suite struct WorkLogTests {
  @Test func kernelsAreNotedWithTheirTensors() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (x, y) = (backend.zeros([7, 4]), backend.empty([7, 4]))
      let work = backend.loggingWork {
        backend.add(x, x, into: y)
        backend.fill(y, with: 1)
      }
      #expect(work.map(\.name) == ["add", "fill"])
      #expect(work.map(\.bytes) == [336, 112])
      #expect(work.allSatisfy { $0.operations == 0 })
    }
  }

  @Test func productsAreNotedWithTheirOperations() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (a, b, c) = (backend.zeros([6, 5]), backend.zeros([5, 3]), backend.zeros([6, 3]))
      let product = MatrixProduct(m: 6, n: 3, k: 5, beta: 1)
      let work = backend.loggingWork { backend.multiply(product, a, b, bias: nil, into: c) }
      #expect(work.map(\.name) == ["product"])
      #expect(work[0].operations == 180)
      // The result is read and written.
      let elements = 30 + 15 + 2 * 18
      #expect(work[0].bytes == Double(4 * elements))
    }
  }

  @Test func nothingIsNotedForNobody() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([3])
      backend.add(x, x, into: x)
      #expect(backend.loggingWork {}.isEmpty)
    }
  }

  /// Small blocks have a kernel of their own; their sums over rows are one dense product.
  @Test func blocksSideBySideGoTogether() throws {
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let (rows, blocks, size) = (300, 6, 4)
      let x = backend.zeros([rows, blocks * size])
      let weight = backend.zeros([blocks, size, size])
      var forward = MatrixProduct(m: rows, n: size, k: size)
      forward.batch = blocks
      (forward.lda, forward.strideA) = (blocks * size, size)
      forward.strideB = size * size
      (forward.ldc, forward.strideC) = (blocks * size, size)
      var gradient = MatrixProduct(m: size, n: size, k: rows, transposeA: true, beta: 1)
      gradient.batch = blocks
      (gradient.lda, gradient.strideA) = (blocks * size, size)
      (gradient.ldb, gradient.strideB) = (blocks * size, size)
      gradient.strideC = size * size
      let y = backend.empty([rows, blocks * size])
      let work = backend.loggingWork {
        backend.multiply(forward, x, weight, bias: nil, into: y)
        backend.multiply(gradient, x, y, bias: nil, into: weight)
      }
      #expect(work.map(\.name) == ["block_rows", "product", "diagonal_blocks"])
      let width = blocks * size
      #expect(work[1].operations == Double(2 * rows * width * width))
    }
  }
}
