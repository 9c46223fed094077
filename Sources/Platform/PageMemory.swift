#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Zeroed memory straight from the system, on large pages where it has them.
///
/// A training step walks through tens of megabytes; on 4 KiB pages the translation of addresses
/// then costs as much as the loops themselves.
package struct PageMemory: ~Copyable {
  /// The size of a large page on the usual machines.
  package static let largePage = 1 << 21

  /// The start, aligned to a large page.
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  /// Gets memory; nil where the system has none.
  package init?(byteCount wanted: Int) {
    byteCount = (wanted + Self.largePage - 1) / Self.largePage * Self.largePage
    mappedBytes = byteCount + Self.largePage
    let access = PROT_READ | PROT_WRITE
    #if canImport(Darwin)
      let kind = MAP_PRIVATE | MAP_ANON
    #else
      let kind = MAP_PRIVATE | MAP_ANONYMOUS
    #endif
    guard let mapping = mmap(nil, mappedBytes, access, kind, -1, 0), mapping != MAP_FAILED else {
      return nil
    }
    self.mapping = mapping
    let start = UInt(bitPattern: mapping)
    let page = UInt(Self.largePage)
    let skipped = Int((start + page - 1) / page * page - start)
    base = mapping + skipped
    #if os(Linux)
      // Where the kernel has no large pages the advice changes nothing.
      _ = madvise(base, byteCount, 14)
    #endif
  }

  deinit { munmap(mapping, mappedBytes) }
}
