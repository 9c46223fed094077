import CPUBackend
import Platform
import Tensors

/// The speed of one matrix product, beside a BLAS library's where there is one.
public struct ProductTiming: Sendable, Codable {
  public var m: Int
  public var n: Int
  public var k: Int
  /// "NN", "NT" or "TN".
  public var layout: String
  public var gigaflops: Double
  public var fractionOfPeak: Double
  public var blasGigaflops: Double?
  /// Ours over the library's.
  public var ratio: Double?
}

/// Matrix products of the shapes that training uses, against a BLAS library loaded at run time.
public final class ProductBench {
  /// Tokens x widths of small models: projections, their gradients, heads and cells.
  public static let shapes: [(m: Int, n: Int, k: Int, layout: String)] = [
    (4096, 64, 64, "NN"), (4096, 256, 64, "NN"), (4096, 64, 256, "NN"), (16384, 128, 128, "NN"),
    (4096, 64, 64, "NT"), (4096, 64, 256, "NT"), (16384, 128, 128, "NT"),
    (64, 64, 4096, "TN"), (64, 256, 4096, "TN"), (128, 128, 16384, "TN"),
    (256, 8192, 64, "NT"), (512, 256, 64, "NT"), (256, 64, 8192, "NN"), (8192, 64, 256, "TN"),
    (64, 256, 64, "NN"), (64, 64, 256, "NN"), (64, 64, 64, "NN"), (64, 64, 64, "NT"),
    (4096, 2, 64, "NN"), (64, 2, 4096, "TN"),
  ]

  private let backend: CPUBackend
  private let peak: Double
  private let library: BLASLibrary?

  /// Makes a bench.
  ///
  /// - Parameters:
  ///   - peak: The machine's ceiling, operations per second.
  ///   - names: Names to try for a library with `cblas_sgemm`; the first that opens is used.
  ///   - level: The CPU level; nil for the best.
  /// - Throws: `UnavailableLevel` where the machine does not have the level.
  public init(peak: Double, blas names: [String], level: String? = nil) throws {
    backend = try CPUBackend(level: level)
    self.peak = peak
    library = try? BLASLibrary(anyOf: names)
  }

  /// Times a shape, taking turns with the library so that both see the same machine.
  public func measure(_ m: Int, _ n: Int, _ k: Int, _ layout: String, seconds: Double)
    -> ProductTiming
  {
    let (ta, tb) = (layout.hasPrefix("T"), layout.hasSuffix("T"))
    let product = MatrixProduct(m: m, n: n, k: k, transposeA: ta, transposeB: tb)
    let a = filled([m * k])
    let b = filled([k * n])
    let c = backend.zeros([m, n])
    let work = 2 * Double(m) * Double(n) * Double(k)
    let repeats = max(1, Int(2e7 / work))
    var (ours, theirs) = (Double.infinity, Double.infinity)
    let end = MonotonicClock.seconds + seconds
    repeat {
      ours = min(
        ours, time { for _ in 0..<repeats { backend.multiply(product, a, b, bias: nil, into: c) } })
      guard let library else { continue }
      theirs = min(
        theirs,
        time {
          for _ in 0..<repeats {
            library.multiply(product, a, b, into: c)
          }
        })
    } while MonotonicClock.seconds < end
    let rate = work * Double(repeats) / ours
    let other = library == nil ? nil : work * Double(repeats) / theirs
    return ProductTiming(
      m: m, n: n, k: k, layout: layout, gigaflops: rate / 1e9, fractionOfPeak: rate / peak,
      blasGigaflops: other.map { $0 / 1e9 }, ratio: other.map { rate / $0 })
  }

  private func time(_ body: () -> Void) -> Double {
    let start = MonotonicClock.seconds
    body()
    return MonotonicClock.seconds - start
  }

  private func filled(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    return backend.tensor((0..<count).map { Float($0 % 17) / 17 - 0.5 }, shape)
  }
}

extension ProductBench {
  /// The geometric mean; nil of nothing.
  public static func geometricMean(_ ratios: [Double]) -> Double? {
    guard !ratios.isEmpty else { return nil }
    let logs = ratios.reduce(0) { $0 + Mathematics.logarithm($1) }
    return Mathematics.exponential(logs / Double(ratios.count))
  }
}
