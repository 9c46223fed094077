/// A block of device memory that returns to its pool when nobody refers to it any more.
///
/// Storage is reference counted and not `Sendable`: a cell is one thread of control.
package final class Storage {
  /// The block's address on its device.
  package let address: UnsafeMutableRawPointer
  package let byteCount: Int
  private let pool: MemoryPool

  init(address: UnsafeMutableRawPointer, byteCount: Int, pool: MemoryPool) {
    self.address = address
    self.byteCount = byteCount
    self.pool = pool
  }

  deinit { pool.recycle(address, byteCount: byteCount) }
}

/// Keeps freed blocks by size and hands them out again, so that a steady training step asks the
/// system for nothing.
package final class MemoryPool {
  private let obtain: (Int) -> UnsafeMutableRawPointer
  private let discard: (UnsafeMutableRawPointer, Int) -> Void
  private let prepare: ((UnsafeMutableRawPointer, Int) -> Void)?
  private var free: [Int: [UnsafeMutableRawPointer]] = [:]

  /// How often the system was asked for memory.
  package private(set) var systemAllocations = 0
  /// Bytes held, in use or not.
  package private(set) var bytesHeld = 0
  /// Blocks in use.
  package private(set) var blocksLent = 0

  /// Makes a pool over a device's own allocator.
  ///
  /// - Parameters:
  ///   - obtain: Gets a block of the given number of bytes from the system.
  ///   - discard: Gives it back.
  ///   - prepare: Called on every block that is handed out; tests poison it with NaN.
  package init(
    obtain: @escaping (Int) -> UnsafeMutableRawPointer,
    discard: @escaping (UnsafeMutableRawPointer, Int) -> Void,
    prepare: ((UnsafeMutableRawPointer, Int) -> Void)? = nil
  ) {
    self.obtain = obtain
    self.discard = discard
    self.prepare = prepare
  }

  deinit {
    for (byteCount, blocks) in free { for block in blocks { discard(block, byteCount) } }
  }

  package func allocate(byteCount wanted: Int) -> Storage {
    let byteCount = Self.sizeClass(wanted)
    let address: UnsafeMutableRawPointer
    if let recycled = free[byteCount]?.popLast() {
      address = recycled
    } else {
      address = obtain(byteCount)
      systemAllocations += 1
      bytesHeld += byteCount
    }
    prepare?(address, byteCount)
    blocksLent += 1
    return Storage(address: address, byteCount: byteCount, pool: self)
  }

  fileprivate func recycle(_ address: UnsafeMutableRawPointer, byteCount: Int) {
    free[byteCount, default: []].append(address)
    blocksLent -= 1
  }

  /// Sizes are rounded up to one of four steps per power of two, so that batches of changing
  /// length share blocks and at most a fifth is wasted.
  static func sizeClass(_ byteCount: Int) -> Int {
    guard byteCount > 256 else { return 256 }
    let power = Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount
    let step = max(64, 1 << (power - 2))
    return (byteCount + step - 1) / step * step
  }
}
