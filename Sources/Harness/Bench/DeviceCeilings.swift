import CPUBackend
import CUDABackend
import Tensors

/// What a device reaches at best, measured.
struct DeviceCeilings {
  /// Floating-point operations per second: multiply-adds in registers on one core of the processor,
  /// a large matrix product on a GPU.
  let operations: Double
  /// Bytes per second that a pass over tensors far larger than all caches reads and writes.
  let bandwidth: Double

  init(of backend: any Backend) {
    operations = (backend as? CPUBackend).map(Self.multiplyAdds) ?? Self.products(of: backend)
    bandwidth = Self.bandwidth(of: backend)
  }

  /// The least seconds for some work: a kernel waits for its memory or for its products, whichever
  /// takes longer, and kernels come one after the other.
  func floor(of work: [KernelWork]) -> Double {
    work.reduce(0) { $0 + max($1.bytes / bandwidth, $1.operations / operations) }
  }

  static func multiplyAdds(of backend: CPUBackend) -> Double {
    var operations = 0.0
    let timing = Timing.measure(seconds: 0.3) {
      operations = backend.multiplyAddInRegisters(rounds: 200_000)
    }
    return operations / timing.best
  }

  /// The rate of the product of two square matrices, large enough that nothing but the units for
  /// products counts.
  private static func products(of backend: any Backend) -> Double {
    let size = 4096
    let product = MatrixProduct(m: size, n: size, k: size)
    // Numbers of all kinds: with zeros a GPU needs less power and runs at a higher clock.
    let numbers = (0..<size * size).map {
      Float(UInt32(truncatingIfNeeded: $0 &* 2_654_435_761)) / 0x1p31 - 1
    }
    let (a, b) = (backend.tensor(numbers, [size, size]), backend.tensor(numbers, [size, size]))
    let c = backend.empty([size, size])
    let timing = Timing.measureRecorded(seconds: 0.3, on: backend) {
      backend.multiply(product, a, b, bias: nil, into: c)
    }
    let side = Double(size)
    return 2 * side * side * side / timing.best
  }

  private static func bandwidth(of backend: any Backend) -> Double {
    // 256 MiB for a GPU, whose last cache holds tens of them, and a quarter of that otherwise.
    let count = backend is CPUBackend ? 1 << 24 : 1 << 26
    let (x, y) = (backend.zeros([count]), backend.empty([count]))
    let timing = Timing.measureRecorded(seconds: 0.2, on: backend) {
      backend.affine(x, scale: 1, shift: 1, into: y)
    }
    return 8 * Double(count) / timing.best
  }
}
