import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that is written piece by piece and takes its name only when it is complete.
///
/// The bytes go to a temporary file of the same folder; readers and other writers never see a
/// part. A file that is let go without `commit` leaves nothing behind. Several threads may write
/// to places of their own at once.
package final class PendingFile: Sendable {
  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  private static let counter = Counter()

  /// How the names of files end that are not complete yet, or never will be.
  package static let suffix = ".part"

  /// The name that the file takes at last.
  package let path: String
  private let temporary: String
  private let descriptor: Int32
  private let isCommitted = Atomic(false)

  /// Starts a file.
  ///
  /// - Parameter path: The name; its folder must exist, and what has the name already must be an
  ///   ordinary file, because a device such as `/dev/null` must not be replaced.
  /// - Throws: `FileError` where nothing can be written there.
  package init(_ path: String) throws(FileError) {
    try Self.checkIsReplaceable(path)
    var temporary = Self.temporaryName(for: path)
    // One that exists is the remainder of a process that was killed.
    while Files.exists(temporary) { temporary = Self.temporaryName(for: path) }
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(last: .write, path) }
    self.path = path
    self.temporary = temporary
  }

  deinit {
    close(descriptor)
    if !isCommitted.load(ordering: .relaxed) { unlink(temporary) }
  }

  /// Writes behind what was appended before.
  ///
  /// - Throws: `FileError`, as for a full disk.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try writeAll(bytes, to: descriptor, named: path)
  }

  /// Writes at a place, whether the file reaches to it or not.
  ///
  /// - Throws: `FileError`, as for a full disk.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    try writeAll(bytes, to: descriptor, at: offset, named: path)
  }

  /// Puts the bytes on the disk and gives the file its name, in place of an older one.
  ///
  /// - Throws: `FileError`; an older file is then untouched.
  package func commit() throws(FileError) {
    if fsync(descriptor) != 0 { throw FileError(last: .write, path) }
    try Files.rename(temporary, to: path)
    isCommitted.store(true, ordering: .relaxed)
    Files.synchronizeFolder(Files.parent(of: path))
  }

  private static func temporaryName(for path: String) -> String {
    let number = counter.value.wrappingAdd(1, ordering: .relaxed).newValue
    return "\(path).\(RunningProcess.current.word).\(number)\(suffix)"
  }

  /// Removes what killed processes have left in a folder.
  ///
  /// What cannot be told to be abandoned, such as the files of other machines, stays.
  package static func removeAbandoned(in folder: String) {
    for name in (try? Files.list(folder)) ?? [] where name.hasSuffix(suffix) {
      let parts = name.dropLast(suffix.count).split(separator: ".")
      guard let word = parts.dropLast().last, RunningProcess.isGone(word: word) else { continue }
      try? Files.remove("\(folder)/\(name)")
    }
  }

  private static func checkIsReplaceable(_ path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return }
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    throw FileError(
      path: path, action: .write, reason: isFolder ? "it is a folder" : "it is no ordinary file",
      code: isFolder ? EISDIR : EINVAL)
  }
}
