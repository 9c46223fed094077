import Records
import Synchronization

/// What all workers of a grid count together.
final class GridProgress: Sendable {
  private let state = Mutex((outcome: GridOutcome(), crowded: [Int]()))

  /// Counts a result; returns how many cells have failed.
  @discardableResult
  func add(_ status: CellRecord.Status) -> Int {
    state.withLock {
      $0.outcome.count(status)
      return $0.outcome.failed
    }
  }

  /// Changes a count or a note.
  func note(_ change: (inout GridOutcome) -> Void) { state.withLock { change(&$0.outcome) } }

  /// Whether no more cells are to be started.
  func isOver(mostFailures: Int?) -> Bool {
    let outcome = outcome
    return outcome.storeProblem != nil || mostFailures.map { outcome.failed >= $0 } ?? false
  }

  func addCrowded(_ cell: Int) { state.withLock { $0.crowded.append(cell) } }

  /// The cells that found no memory, in their order.
  func takeCrowded() -> [Int] {
    state.withLock { state in
      defer { state.crowded = [] }
      return state.crowded.sorted()
    }
  }

  var outcome: GridOutcome { state.withLock { $0.outcome } }
}
