#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that this process made for others to see, and that it goes on writing under whatever
/// name the file has meanwhile.
package final class SharedFile: Sendable {
  private let descriptor: Int32

  /// Makes a file, which must not exist.
  ///
  /// - Throws: `FileError`, also where it exists.
  package init(creating path: String, with bytes: [UInt8]) throws(FileError) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(last: .create, path) }
    do throws(FileError) {
      try bytes.withUnsafeBufferPointer { (content) throws(FileError) in
        try writeAll(UnsafeRawBufferPointer(content), to: descriptor, at: 0, named: path)
      }
    } catch {
      unlink(path)
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// How many names the file has.
  package var nameCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_nlink) : 0
  }

  /// Writes over the start of the file, so that other machines see it.
  ///
  /// - Throws: `FileError` where that is impossible.
  package func overwriteStart(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (content) throws(FileError) in
      try writeAll(UnsafeRawBufferPointer(content), to: descriptor, at: 0, named: "the file")
    }
    if fsync(descriptor) != 0 { throw FileError(last: .write, "the file") }
  }
}

/// A lock that ends with its holder.
package enum FileLock {
  package enum Attempt: Sendable {
    case done
    /// Somebody else has the lock.
    case busy
  }

  /// Does something while no other process does the same, or nothing where one does.
  ///
  /// File systems without locks do it in any case: whoever asks must have a second line of defence.
  ///
  /// - Parameters:
  ///   - path: The file that is locked; it is made where it is missing.
  ///   - body: What to do.
  /// - Returns: Whether it was done.
  /// - Throws: `FileError` where the file cannot be made, and what the body throws.
  package static func attempt(
    _ path: String, _ body: () throws(FileError) -> Void
  ) throws(FileError) -> Attempt {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(last: .create, path) }
    defer { close(descriptor) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return .busy }
    try body()
    return .done
  }
}
