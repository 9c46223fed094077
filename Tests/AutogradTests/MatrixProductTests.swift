import Autograd
import CPUBackend
import Randomness
import Tensors
import Testing

/// Sizes beyond one block, which the case tables cannot afford: C x is compared with A (B x).
@Suite struct MatrixProductTests {
  static let sizes = [
    (100, 70, 40), (2, 300, 520), (150, 3, 520), (20, 2100, 64), (130, 530, 270), (5, 9, 0),
  ]

  @Test(arguments: CPUBackend.availableLevels, sizes)
  func agreesWithTheProductOfAVector(_ level: String, _ size: (m: Int, n: Int, k: Int)) throws {
    let backend = try CPUBackend(level: level, poison: true)
    let factors: [(alpha: Float, beta: Float)] = [(1, 0), (1, 1), (0.5, 0.25), (2, 0)]
    for transposes in 0..<4 {
      var product = MatrixProduct(
        m: size.m, n: size.n, k: size.k, transposeA: transposes & 1 == 1,
        transposeB: transposes & 2 == 2, beta: factors[transposes].beta)
      product.alpha = factors[transposes].alpha
      product.batch = size.m == 100 ? 3 : 1
      product.strideA = size.m * size.k
      product.strideB = size.k * size.n
      product.strideC = size.m * size.n
      #expect(projectionError(product, on: backend) < 1e-5, "\(product) on \(level)")
    }
  }

  /// The error of C x for a random x, relative to its size.
  private func projectionError(_ product: MatrixProduct, on backend: CPUBackend) -> Double {
    var random = RandomSource(seed: 3)
    func elements(_ count: Int) -> [Float] { (0..<count).map { _ in random.uniformFloat() - 0.5 } }
    let (m, n, k) = (product.m, product.n, product.k)
    let (a, b) = (elements(product.batch * m * k), elements(product.batch * k * n))
    let (before, bias, x) = (elements(product.batch * m * n), elements(n), elements(n))
    let c = backend.empty([product.batch, m, n])
    if product.beta != 0 { before.withUnsafeBufferPointer { backend.upload($0, to: c) } }
    backend.multiply(
      product, backend.tensor(a, [a.count]), backend.tensor(b, [b.count]),
      bias: backend.tensor(bias, [n]), into: c)
    let after = backend.values(c)
    var (found, expected): ([Double], [Double]) = ([], [])
    for batch in 0..<product.batch {
      let bx = apply(b, batch * k * n, k, n, transposed: product.transposeB, to: x.map(Double.init))
      let abx = apply(a, batch * m * k, m, k, transposed: product.transposeA, to: bx)
      for row in 0..<m {
        var (sum, rest) = (0.0, 0.0)
        for column in 0..<n {
          let index = (batch * m + row) * n + column
          sum += Double(after[index]) * Double(x[column])
          rest += Double(bias[column]) * Double(x[column])
          if product.beta != 0 {
            rest += Double(product.beta * before[index]) * Double(x[column])
          }
        }
        found.append(sum)
        expected.append(Double(product.alpha) * abx[row] + rest)
      }
    }
    return relativeError(found, expected)
  }

  /// A matrix, stored from `start` on and perhaps as its transpose, times a vector.
  private func apply(
    _ matrix: [Float], _ start: Int, _ rows: Int, _ columns: Int, transposed: Bool, to x: [Double]
  ) -> [Double] {
    matrix.withUnsafeBufferPointer { matrix in
      (0..<rows).map { row in
        var sum = 0.0
        for column in 0..<columns {
          let index = transposed ? column * rows + row : row * columns + column
          sum += Double(matrix[start + index]) * x[column]
        }
        return sum
      }
    }
  }
}
