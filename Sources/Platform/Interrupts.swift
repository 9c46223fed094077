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
/// what it has. A second one ends the process at once, unless it is a SIGTERM after another:
/// schedulers repeat it, and send SIGKILL when they lose patience.
package enum Interrupts {
  /// The exit status of an interrupted command, as shells report it: 130 for Ctrl-C, 143 for
  /// SIGTERM.
  package static var exitStatus: Int32 {
    128 + Int32(state.number.load(ordering: .relaxed) == Int(SIGTERM) ? SIGTERM : SIGINT)
  }

  /// Whether a signal has come.
  package static var isRequested: Bool { state.number.load(ordering: .relaxed) != 0 }

  /// Starts to listen.
  ///
  /// SIGPIPE is ignored, so that writing to a closed pipe is an error to handle; so is SIGXFSZ, for
  /// a file that may not grow.
  package static func install() {
    // A signal handler must not be the first to touch a lazily initialised global.
    state.number.store(0, ordering: .relaxed)
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        let first = Interrupts.state.number.exchange(Int(number), ordering: .relaxed)
        if first == Int(SIGTERM), number == SIGTERM { return }
        if first != 0 { _exit(128 + number) }
      }
    }
  }

  private final class State: Sendable {
    /// The signal that came; 0 for none.
    let number = Atomic(0)
  }

  private static let state = State()
}
