import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Unbuffered writing to standard output and standard error.
package enum StandardStream {
  /// Puts /dev/null where a standard stream is closed.
  ///
  /// To be called before any file is opened: it would be given the free number, and what is
  /// printed would be written into it.
  package static func openMissing() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number, which is this one.
      _ = open("/dev/null", O_RDWR)
    }
  }

  private static let firstLoss = Mutex<FileError?>(nil)

  /// Why a text could not be written to standard output, as on a full disk; nil where all were.
  package static var lostOutput: FileError? { firstLoss.withLock { $0 } }

  /// Writes all of a text.
  ///
  /// A reader that is gone is no error: what remains is dropped. Whatever else loses a part of
  /// the output is kept in `lostOutput`, for the exit status.
  package static func write(_ text: String, to stream: Terminal.Stream) {
    let bytes = Array(text.utf8)
    do throws(FileError) {
      try bytes.withUnsafeBufferPointer { (content) throws(FileError) in
        try append(UnsafeRawBufferPointer(content), to: stream)
      }
    } catch {
      guard stream == .output, !error.isBrokenPipe else { return }
      firstLoss.withLock { $0 = $0 ?? error }
    }
  }

  /// Writes bytes whose loss matters.
  ///
  /// - Throws: `FileError`, as for a full disk, or a reader that is gone.
  package static func append(
    _ bytes: UnsafeRawBufferPointer, to stream: Terminal.Stream
  ) throws(FileError) {
    let name = stream == .output ? "standard output" : "standard error"
    try writeAll(bytes, to: stream.rawValue, named: name)
  }
}

/// The present process.
package enum Process {
  package static func exit(_ status: Int32) -> Never {
    #if canImport(Glibc)
      Glibc.exit(status)
    #elseif canImport(Musl)
      Musl.exit(status)
    #else
      Darwin.exit(status)
    #endif
  }
}
