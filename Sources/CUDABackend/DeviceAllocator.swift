import CCUDA

/// Device memory from the driver, and the first failure to get it.
///
/// The driver takes milliseconds for a block while other cells train, whatever its size, and a cell
/// wants many small ones: those are cut from slabs, which are given back with the allocator.
package final class DeviceAllocator {
  /// Blocks up to this size are parts of slabs.
  package static let largestPart = 8 << 20
  /// Each slab is twice as large as the one before, between these sizes.
  static let slabSizes = 1 << 20...32 << 20
  /// What the driver's own blocks are aligned to.
  private static let alignment = 256

  private let stream: CUDAStream
  package private(set) var failure: CUDAError?
  private var blocks: Set<UnsafeMutableRawPointer> = []
  private var slabs: [UnsafeMutableRawPointer] = []
  /// What is left of the last slab, and how large it was.
  private var rest = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var slabSize = 0

  package init(_ stream: CUDAStream) { self.stream = stream }

  deinit {
    stream.device.alone {
      for block in slabs + Array(blocks) { _ = driver.release(block.device) }
    }
  }

  private var libraries: CUDALibraries { stream.device.libraries }
  private var driver: hc_driver { libraries.driver }

  /// A block of the given size, or an address that nothing may use once `failure` is set.
  package func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount <= Self.largestPart else {
      guard let block = obtain(byteCount) else { return Self.nowhere }
      blocks.insert(block)
      return block
    }
    let size = (max(1, byteCount) + Self.alignment - 1) / Self.alignment * Self.alignment
    if rest.count < size {
      let wanted = min(max(2 * slabSize, Self.slabSizes.lowerBound), Self.slabSizes.upperBound)
      guard let slab = obtain(max(size, wanted)) else { return Self.nowhere }
      slabSize = max(size, wanted)
      slabs.append(slab)
      rest = UnsafeMutableRawBufferPointer(start: slab, count: slabSize)
    }
    guard let part = rest.baseAddress else { return Self.nowhere }
    rest = UnsafeMutableRawBufferPointer(rebasing: rest.dropFirst(size))
    return part
  }

  /// A block from the driver; nil once `failure` is set.
  private func obtain(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard failure == nil else { return nil }
    var address: hc_address = 0
    do throws(CUDAError) {
      try libraries.check(
        driver.allocate(&address, byteCount), "asking the GPU for \(byteCount >> 20) MiB")
    } catch {
      failure = error
    }
    return failure == nil ? UnsafeMutableRawPointer(bitPattern: UInt(address)) : nil
  }

  /// Gives a block back; parts of slabs stay.
  package func free(_ block: UnsafeMutableRawPointer) {
    guard blocks.remove(block) != nil else { return }
    _ = driver.release(block.device)
  }

  /// Fills a block with NaN, in the order of the stream.
  func poison(_ block: UnsafeMutableRawPointer, byteCount: Int) {
    guard failure == nil else { return }
    _ = stream.queue { driver.fill(block.device, Float.nan.bitPattern, byteCount / 4, $0) }
  }

  /// Stands for memory that was not to be had.
  private static var nowhere: UnsafeMutableRawPointer {
    guard let address = UnsafeMutableRawPointer(bitPattern: 256) else { preconditionFailure() }
    return address
  }
}
