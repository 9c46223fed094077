import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files that are either wholly there or not at all, even when the machine fails meanwhile.
package enum AtomicFile {
  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  private static let counter = Counter()

  /// Writes a file in place of any that has the path.
  ///
  /// The bytes go to a temporary file of the same folder, which takes the name only once they are
  /// on the disk; readers and other writers never see a part.
  ///
  /// - Parameters:
  ///   - bytes: The whole content.
  ///   - path: The file; its folder must exist.
  /// - Throws: `FileError`; then the temporary file is gone and an older file untouched.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var temporary = temporaryName(for: path)
    // One that exists is the remainder of a process that was killed.
    while Files.exists(temporary) { temporary = temporaryName(for: path) }
    do throws(FileError) {
      try writeDurably(bytes, to: temporary)
      try Files.rename(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
    synchronizeFolder(Files.parent(of: path))
  }

  private static func temporaryName(for path: String) -> String {
    let number = counter.value.wrappingAdd(1, ordering: .relaxed).newValue
    return "\(path).\(Machine.hostName)-\(Machine.processIdentifier)-\(number).part"
  }

  private static func writeDurably(_ bytes: [UInt8], to path: String) throws(FileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(last: .write, path) }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        platformWrite(descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]))
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(last: .write, path)
      }
      done += count
    }
    if fsync(descriptor) != 0 { throw FileError(last: .write, path) }
  }

  /// Makes the new name durable.
  ///
  /// Some file systems refuse this for folders, which is no error: the file itself is whole.
  private static func synchronizeFolder(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

// Inside `AtomicFile` the name `write` means its own function.
private func platformWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
