import Platform
import Synchronization

/// The cells that the workers of a process have before them.
///
/// A cell that another process holds comes again later: that process may fail or be killed.
final class CellQueue: Sendable {
  enum Next: Sendable {
    case cell(Int)
    /// Nothing to do before the next look at the cells of others; how many there are, the first
    /// time.
    case wait(newlyHeld: Int?)
  }

  private struct State {
    var fresh: ArraySlice<Int>
    var held: [Int] = []
    /// Cells that were held by others at some time.
    var everHeld: Set<Int> = []
    var nextLook = 0.0
    var isClosed = false
    var hasTold = false
  }

  private let state: Mutex<State>
  private let look: Double
  private let waits: Bool

  /// - Parameters:
  ///   - cells: What is to be trained.
  ///   - look: Seconds between two looks at what others hold.
  ///   - waits: Whether to wait for those at all.
  init(_ cells: [Int], look: Double, waits: Bool) {
    state = Mutex(State(fresh: cells[...]))
    self.look = look
    self.waits = waits
  }

  /// What a worker is to do; nil when it may go.
  func next() -> Next? {
    let now = MonotonicClock.seconds
    return state.withLock { state in
      if state.isClosed { return nil }
      if let cell = state.fresh.popFirst() { return .cell(cell) }
      guard waits, !state.held.isEmpty else { return nil }
      guard now >= state.nextLook else {
        defer { state.hasTold = true }
        return .wait(newlyHeld: state.hasTold ? nil : state.held.count)
      }
      state.fresh = state.held.sorted()[...]
      state.held = []
      state.nextLook = now + look
      return state.fresh.popFirst().map { .cell($0) }
    }
  }

  /// Puts a cell aside that somebody else holds.
  func hold(_ cell: Int) {
    let now = MonotonicClock.seconds
    state.withLock { state in
      if state.held.isEmpty { state.nextLook = now + look }
      state.held.append(cell)
      state.everHeld.insert(cell)
    }
  }

  func wasHeld(_ cell: Int) -> Bool { state.withLock { $0.everHeld.contains(cell) } }

  /// Lets no more cells be started.
  func close() { state.withLock { $0.isClosed = true } }

  /// What was not taken up, and what others hold.
  var rest: (unstarted: Int, held: Int) { state.withLock { ($0.fresh.count, $0.held.count) } }
}
