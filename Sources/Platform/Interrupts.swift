import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The wish to stop, from Ctrl-C or a scheduler's SIGTERM.
///
/// The first signal only sets a flag that the work looks at between steps, so that it can save
/// what it has; the second ends the process at once.
package enum Interrupts {
  /// The exit status of an interrupted command, as shells report Ctrl-C.
  package static var exitStatus: Int32 { 130 }

  /// Whether a signal has come.
  package static var isRequested: Bool { requested.value.load(ordering: .relaxed) }

  /// Starts to listen.
  ///
  /// SIGPIPE is ignored, so that writing to a closed pipe is an error to handle.
  package static func install() {
    // A signal handler must not be the first to touch a lazily initialised global.
    requested.value.store(false, ordering: .relaxed)
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in
        if Interrupts.requested.value.exchange(true, ordering: .relaxed) {
          _exit(Interrupts.exitStatus)
        }
      }
    }
  }

  private final class Flag: Sendable {
    let value = Atomic(false)
  }

  private static let requested = Flag()
}
