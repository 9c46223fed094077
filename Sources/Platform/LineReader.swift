#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lines of a file or of standard input, one after the other, in constant memory.
package final class LineReader {
  private static let chunkBytes = 1 << 18
  /// A longer line is no line that anybody wrote; it must not fill the memory.
  private static let longestLine = 1 << 30

  /// The file as the user named it, for messages.
  package let name: String
  /// The number of the line that was read last, counted from 1.
  package private(set) var line = 0
  private let descriptor: Int32
  private let isOwned: Bool
  private var chunk: [UInt8] = []
  private var place = 0

  /// Opens a file.
  ///
  /// - Parameter path: The file, or "-" for standard input.
  /// - Throws: `FileError` where it is missing, unreadable or a folder.
  package init(_ path: String) throws(FileError) {
    if path == "-" {
      (name, descriptor, isOwned) = ("standard input", STDIN_FILENO, false)
      return
    }
    if Files.isFolder(path) {
      throw FileError(path: path, action: .read, reason: "it is a folder", code: EISDIR)
    }
    let opened = open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw FileError(last: .read, path) }
    (name, descriptor, isOwned) = (path, opened, true)
  }

  deinit { if isOwned { close(descriptor) } }

  /// Reads the next line, without its end.
  ///
  /// - Parameter bytes: Overwritten; it keeps its capacity, so that a loop allocates nothing.
  /// - Returns: Whether there was one.
  /// - Throws: `FileError` where it cannot be read.
  package func next(into bytes: inout [UInt8]) throws(FileError) -> Bool {
    bytes.removeAll(keepingCapacity: true)
    var hasBegun = false
    while true {
      if place == chunk.count {
        guard try refill() else { break }
      }
      hasBegun = true
      let end = chunk[place...].firstIndex(of: UInt8(ascii: "\n"))
      bytes.append(contentsOf: chunk[place..<(end ?? chunk.count)])
      place = end.map { $0 + 1 } ?? chunk.count
      if end != nil { break }
      guard bytes.count <= Self.longestLine else {
        throw FileError(
          path: name, action: .read, reason: "line \(line + 1) is longer than a gigabyte",
          code: EFBIG)
      }
    }
    guard hasBegun else { return false }
    line += 1
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    return true
  }

  /// Gets the next bytes; false at the end.
  private func refill() throws(FileError) -> Bool {
    chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { buffer, count in
      var got = 0
      repeat {
        got = read(descriptor, buffer.baseAddress, buffer.count)
      } while got < 0
        && errno == EINTR
      count = max(0, got)
      failed = got < 0
    }
    place = 0
    if failed { throw FileError(last: .read, name) }
    return !chunk.isEmpty
  }

  private var failed = false
}
