#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Unbuffered writing to standard output and standard error.
package enum StandardStream {
  /// Writes all of a text.
  ///
  /// A reader that is gone is no error: what remains is dropped.
  package static func write(_ text: String, to stream: Terminal.Stream) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { buffer in
        #if canImport(Glibc)
          Glibc.write(stream.rawValue, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
          Musl.write(stream.rawValue, buffer.baseAddress, buffer.count)
        #else
          Darwin.write(stream.rawValue, buffer.baseAddress, buffer.count)
        #endif
      }
      if written < 0 {
        if errno == EINTR { continue }
        return
      }
      bytes = bytes.dropFirst(written)
    }
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
