import CKernels
package import Tensors

/// The processor as a device: one thread, kernels of the best level that the machine has.
package final class CPUBackend: Backend {
  package let pool: MemoryPool
  package let name: String
  let kernels: hk_kernels
  private var workspace: UnsafeMutablePointer<Float>
  private var workspaceCount = 0

  /// Makes a backend.
  ///
  /// - Parameters:
  ///   - level: "baseline", "x86-64-v3", "x86-64-v4" or "neon"; nil for the best.
  ///   - poison: Fill every block of memory with NaN before it is used, so that a kernel that does
  ///     not write all of its output is found.
  /// - Throws: `UnavailableLevel` where the machine does not have the level.
  package init(level: String? = nil, poison: Bool = false) throws(UnavailableLevel) {
    guard let table = hk_select(level) else {
      throw UnavailableLevel(level: level ?? "any", available: Self.availableLevels)
    }
    kernels = table.pointee
    name = "cpu " + String(cString: table.pointee.level)
    let slabs = SlabAllocator()
    pool = MemoryPool(
      obtain: { slabs.allocate(byteCount: $0) }, discard: { _, _ in },
      prepare: poison ? { block, count in Self.poison(block, count) } : nil)
    workspace = .allocate(capacity: 1)
  }

  deinit { workspace.deallocate() }

  /// The levels of this build that the machine has, best first.
  package static var availableLevels: [String] {
    var levels: [String] = []
    var index: Int32 = 0
    while let level = hk_level(index) {
      if hk_select(level) != nil { levels.append(String(cString: level)) }
      index += 1
    }
    return levels
  }

  private static func poison(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    block.assumingMemoryBound(to: Float.self).update(repeating: .nan, count: byteCount / 4)
  }

  /// Scratch of at least the given number of floats, kept between calls.
  func scratch(_ count: Int) -> UnsafeMutablePointer<Float> {
    if count > workspaceCount {
      workspace.deallocate()
      let block = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
      workspace = block.bindMemory(to: Float.self, capacity: count)
      workspaceCount = count
    }
    return workspace
  }

  package func upload(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor) {
    guard let base = values.baseAddress else { return }
    tensor.pointer.update(from: base, count: tensor.count)
  }

  package func upload(_ values: UnsafeBufferPointer<Int32>, to tensor: IndexTensor) {
    guard let base = values.baseAddress else { return }
    tensor.pointer.update(from: base, count: tensor.count)
  }

  package func download(_ tensor: Tensor, to values: UnsafeMutableBufferPointer<Float>) {
    values.baseAddress?.update(from: tensor.pointer, count: tensor.count)
  }

  package func download(_ tensor: IndexTensor, to values: UnsafeMutableBufferPointer<Int32>) {
    values.baseAddress?.update(from: tensor.pointer, count: tensor.count)
  }

  package func copy(_ source: Tensor, to target: Tensor) {
    target.pointer.update(from: source.pointer, count: source.count)
  }

  package func fill(_ tensor: Tensor, with value: Float) {
    kernels.fill(tensor.count, value, tensor.pointer)
  }
}

/// A CPU level that was asked for and that the machine does not have.
package struct UnavailableLevel: Error, CustomStringConvertible {
  package let level: String
  package let available: [String]
  package var description: String {
    "this machine has no CPU level '\(level)'; it has: " + available.joined(separator: ", ")
  }
}
