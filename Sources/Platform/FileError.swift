#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a file or folder could not be used: its path, what was tried, and the system's reason.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was tried.
  package enum Action: String, Sendable {
    case read, write, list, create, remove, rename, start
  }

  package let path: String
  package let action: Action
  package let reason: String
  /// The system's error number.
  package let code: Int32

  /// Whether the reader of a pipe is gone.
  package var isBrokenPipe: Bool { code == EPIPE }

  /// Whether something is missing that has the path.
  package var isMissing: Bool { code == ENOENT }
  /// Whether something has the path already.
  package var isPresent: Bool { code == EEXIST }
  /// Whether the file system cannot give files a second name.
  package var hasNoLinks: Bool {
    [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK, EXDEV].contains(code)
  }
  package var description: String { "\(path): cannot \(action.rawValue): \(reason)" }
}
