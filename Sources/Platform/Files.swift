#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whole files and folders by path.
package enum Files {
  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The file, which may be a pipe or a device.
  ///   - limit: How many bytes are wanted at most; a device may have no end.
  /// - Returns: The bytes.
  /// - Throws: `FileError` where it is missing or unreadable.
  package static func read(
    _ path: String, atMost limit: Int = .max
  ) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(last: .read, path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var status = stat()
    if fstat(descriptor, &status) == 0 { bytes.reserveCapacity(min(limit, Int(status.st_size))) }
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = chunk.withUnsafeMutableBytes { platformRead(descriptor, $0) }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(last: .read, path)
      }
      bytes.append(contentsOf: chunk[..<min(count, limit - bytes.count)])
      if bytes.count == limit { return bytes }
    }
  }

  /// The names of a folder's entries in ascending order, without `.` and `..`.
  ///
  /// - Throws: `FileError` where it is missing, unreadable or no folder.
  package static func list(_ path: String) throws(FileError) -> [String] {
    guard let folder = opendir(path) else { throw FileError(last: .list, path) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Makes a folder and those that it lies in; a folder that exists is no error.
  ///
  /// - Throws: `FileError` where one of them cannot be made.
  package static func makeFolder(_ path: String) throws(FileError) {
    if path.isEmpty || isFolder(path) { return }
    try makeFolder(parent(of: path))
    if mkdir(path, 0o777) == 0 {
      synchronizeFolder(parent(of: path))
    } else {
      // Looking whether somebody else was faster sets the last error anew.
      let error = FileError(last: .create, path)
      if !isFolder(path) { throw error }
    }
  }

  /// Makes the names in a folder durable.
  ///
  /// Some file systems refuse this for folders, which is no error: the files themselves are whole.
  package static func synchronizeFolder(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// Gives a file one more name, which must not exist.
  ///
  /// - Throws: `FileError` where it exists or the file system has no second names.
  package static func link(_ path: String, to newPath: String) throws(FileError) {
    if platformLink(path, newPath) != 0 { throw FileError(last: .create, newPath) }
  }

  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Removes a file or an empty folder; one that does not exist is no error.
  ///
  /// - Throws: `FileError` where it stays.
  package static func remove(_ path: String) throws(FileError) {
    let status = isFolder(path) ? rmdir(path) : unlink(path)
    if status != 0, errno != ENOENT { throw FileError(last: .remove, path) }
  }

  /// Renames a file, in place of any that has the new name.
  ///
  /// - Throws: `FileError` where that is impossible.
  package static func rename(_ path: String, to newPath: String) throws(FileError) {
    if platformRename(path, newPath) != 0 { throw FileError(last: .rename, path) }
  }

  /// The same place as seen from the root folder, for processes that work in another folder.
  package static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    let folder = String(cString: current)
    return path.isEmpty || path == "." ? folder : (folder == "/" ? "" : folder) + "/" + path
  }

  /// The folder that a path lies in: "a" for "a/b", "." for "b", "/" for "/b".
  package static func parent(of path: String) -> String {
    let end = path.lastIndex { $0 != "/" } ?? path.startIndex
    guard let slash = path[..<end].lastIndex(of: "/") else {
      return path.hasPrefix("/") ? "/" : "."
    }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension FileError {
  /// The error of the last system call.
  init(last action: Action, _ path: String) {
    let code = errno
    self.init(path: path, action: action, reason: String(cString: strerror(code)), code: code)
  }
}

// Inside `Files` the names `read` and `rename` mean its own functions.
private func platformRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, bytes.baseAddress, bytes.count)
}

private func platformLink(_ path: String, _ newPath: String) -> Int32 { link(path, newPath) }

private func platformRename(_ path: String, _ newPath: String) -> Int32 { rename(path, newPath) }
