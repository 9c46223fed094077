import Tensors

/// Work that is done again and again on inputs in one place.
///
/// The first time it runs as it comes, which compiles kernels and gets memory; later it is recorded
/// where the device can record; after that it is replayed as one launch. What it queues must depend
/// on nothing but the inputs' contents.
final class RepeatedWork {
  private let backend: any Backend
  /// Runs before the one that is recorded.
  private let rehearsals: Int
  private var runs = 0
  private var recorded: (any Replayable)?

  /// - Parameters:
  ///   - backend: The device.
  ///   - rehearsals: Runs before it is recorded, at least one; more where few are to be expected,
  ///     because recording costs as much as some runs and nobody else can record meanwhile.
  init(on backend: any Backend, rehearsals: Int = 1) {
    self.backend = backend
    self.rehearsals = rehearsals
  }

  /// Does the work once.
  func run(_ body: () -> Void) {
    defer { runs += 1 }
    if runs == rehearsals { recorded = backend.capture(body) }
    if let recorded { recorded.replay() } else { backend.rehearse(body) }
  }
}
