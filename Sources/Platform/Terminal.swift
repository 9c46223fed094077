#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One of the two streams that people read, and what can be shown on it.
package struct Terminal: Sendable {
  package enum Stream: Int32, Sendable { case output = 1, errors = 2 }

  /// Whether a person looks at the stream, rather than a file or another program.
  package let isInteractive: Bool
  /// The characters of a line; 80 where it is not known.
  package let width: Int
  package let usesColour: Bool

  package init(_ stream: Stream) {
    isInteractive = isatty(stream.rawValue) == 1
    width = Self.columns(of: stream) ?? 80
    usesColour = Self.usesColour(isInteractive: isInteractive, environment: Environment.value)
  }

  /// Decides on colour: `NO_COLOR`, then `FORCE_COLOR` and `CLICOLOR_FORCE`, a dumb terminal, and at
  /// last whether it is a terminal at all.
  package static func usesColour(
    isInteractive: Bool, environment: (String) -> String?
  ) -> Bool {
    if let value = environment("NO_COLOR"), !value.isEmpty { return false }
    for name in ["FORCE_COLOR", "CLICOLOR_FORCE"] {
      if let value = environment(name), !value.isEmpty, value != "0" { return true }
    }
    return isInteractive && environment("TERM") != "dumb"
  }

  private static func columns(of stream: Stream) -> Int? {
    var size = winsize()
    guard ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
