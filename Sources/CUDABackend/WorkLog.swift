import Tensors

/// What one kernel must at least move and multiply, whoever wrote it.
package struct KernelWork: Sendable {
  package var name: String
  /// The tensors that it is given, each moved once.
  package var bytes: Double
  /// Operations in products of matrices.
  package var operations: Double
}

/// The kernels that were queued while someone wanted to know.
struct WorkLog {
  private(set) var entries: [KernelWork]?
  /// The operations of the kernel that comes next.
  private var announced = 0.0

  mutating func begin() { entries = [] }

  mutating func end() -> [KernelWork] {
    defer { entries = nil }
    return entries ?? []
  }

  mutating func announce(_ operations: Double) { announced = operations }

  mutating func add(_ name: String, bytes: Double) {
    entries?.append(KernelWork(name: name, bytes: bytes, operations: announced))
    announced = 0
  }
}

extension CUDABackend {
  /// Notes the work of every kernel that `body` queues, be it run or recorded.
  package func loggingWork(_ body: () -> Void) -> [KernelWork] {
    log.begin()
    body()
    return log.end()
  }

  /// Says how many operations the next kernel's products have; counted only where someone asks.
  func announce(_ operations: @autoclosure () -> Double) {
    if log.entries != nil { log.announce(operations()) }
  }

  /// Notes a kernel with its arguments.
  func logWork(_ name: String, _ arguments: [any KernelArgument]) {
    guard log.entries != nil else { return }
    log.add(name, bytes: 4 * Double(arguments.reduce(0) { $0 + $1.elementCount }))
  }

  /// Notes a product that a library makes.
  func logWork(_ product: MatrixProduct) {
    guard log.entries != nil else { return }
    let (m, n, k) = (Double(product.m), Double(product.n), Double(product.k))
    let elements = m * k + k * n + m * n * (product.beta == 0 ? 1 : 2)
    log.announce(2 * m * n * k * Double(product.batch))
    log.add("product", bytes: 4 * elements * Double(product.batch))
  }
}

extension AttentionShape {
  /// Pairs of a query and a key that it sees, over all heads and sequences.
  var pairs: Double {
    let seen = (0..<queries).reduce(0) { sum, query in
      let visible = min(keys, max(0, query + offset + 1))
      return sum + (window > 0 ? min(visible, window) : visible)
    }
    return Double(seen) * Double(batch * heads)
  }
}

extension ScanShape {
  /// Operations of writing to the state and reading it, token by token; the delta rule and rank-one
  /// transitions read it once more.
  var operations: Double {
    let products = update == .add ? 4.0 : 6.0
    return products * Double(batch * length * heads) * Double(keyDim * valueDim)
  }
}
