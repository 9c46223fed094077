import Platform

/// Carves blocks out of large pieces of memory, which are given back all at once at the end.
///
/// The pool above it keeps and reuses the blocks, so nothing is ever freed in between.
final class SlabAllocator {
  private static let slabBytes = 32 << 20
  private static let alignment = 64

  private final class Slab {
    let memory: PageMemory

    init?(byteCount: Int) {
      guard let memory = PageMemory(byteCount: byteCount) else { return nil }
      self.memory = memory
    }
  }

  private var slabs: [Slab] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0

  /// A block, aligned to a cache line.
  func allocate(byteCount wanted: Int) -> UnsafeMutableRawPointer {
    let byteCount = (wanted + Self.alignment - 1) / Self.alignment * Self.alignment
    if byteCount > left { addSlab(atLeast: byteCount) }
    guard let block = next else { fatalError("no memory") }
    next = block + byteCount
    left -= byteCount
    return block
  }

  private func addSlab(atLeast byteCount: Int) {
    guard let slab = Slab(byteCount: max(byteCount, Self.slabBytes)) else {
      fatalError("the system has no \(byteCount) bytes of memory left")
    }
    slabs.append(slab)
    next = slab.memory.base
    left = slab.memory.byteCount
  }
}
