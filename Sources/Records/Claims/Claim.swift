import Platform
import Synchronization

/// The right of this process to train a cell, as long as it gives signs of life.
package final class Claim: Sendable {
  /// The cell's key.
  package let key: String
  private let path: String
  private let file: SharedFile
  private let nonce: String
  private let timing: ClaimTiming
  private let state: Mutex<State>

  private struct State {
    var isHeld = true
    var beats = 0
    /// When the claim was last seen to be ours.
    var lastBeat = MonotonicClock.seconds
  }

  init(key: String, path: String, file: SharedFile, nonce: String, timing: ClaimTiming) {
    self.key = key
    self.path = path
    self.file = file
    self.nonce = nonce
    self.timing = timing
    state = Mutex(State())
  }

  /// Whether the cell is still ours, as far as this process knows without asking the file system:
  /// cheap enough to be asked after each step.
  package var isHeld: Bool {
    state.withLock {
      $0.isHeld && MonotonicClock.seconds - $0.lastBeat < timing.surrender
    }
  }

  /// Asks the file system whether the cell is still ours.
  package func verify() -> Bool {
    guard isHeld else { return false }
    switch present {
    case .ours: return true
    case .gone:
      state.withLock { $0.isHeld = false }
      return false
    case .unknown: return false
    }
  }

  /// Gives the cell back.
  package func release() {
    // One that was not seen for long may be somebody else's by now and is left to be judged dead.
    if verify() { try? Files.remove(path) }
    state.withLock { $0.isHeld = false }
  }

  /// Gives a sign of life where one is due; returns whether the claim still needs any.
  func beat() -> Bool {
    let now = MonotonicClock.seconds
    let due = state.withLock { state -> Int? in
      guard state.isHeld, now - state.lastBeat >= timing.beat else { return nil }
      state.beats += 1
      return state.beats
    }
    guard let due else { return state.withLock { $0.isHeld } }
    switch present {
    case .ours:
      if (try? file.overwriteStart(ClaimContent.counter(due))) != nil {
        state.withLock { $0.lastBeat = now }
      }
      return true
    case .gone:
      state.withLock { $0.isHeld = false }
      return false
    case .unknown: return true
    }
  }

  private enum Presence { case ours, gone, unknown }

  /// What stands under the claim's name.
  private var present: Presence {
    do throws(FileError) {
      return ClaimContent.read(try Files.read(path))?.nonce == nonce ? .ours : .gone
    } catch {
      return error.isMissing ? .gone : .unknown
    }
  }
}

/// Gives the signs of life of all claims, on a thread of its own.
final class Heart: Sendable {
  private let timing: ClaimTiming
  private let state = Mutex((claims: [Claim](), isBeating: false))

  init(_ timing: ClaimTiming) { self.timing = timing }

  func add(_ claim: Claim) {
    let starts = state.withLock { state in
      state.claims.append(claim)
      defer { state.isBeating = true }
      return !state.isBeating
    }
    if starts { Threads.start { self.beat() } }
  }

  /// Beats until no claim is left; the next one starts it again.
  private func beat() {
    while true {
      MonotonicClock.sleep(min(timing.beat, 1) / 2)
      let claims = state.withLock { $0.claims }
      let gone = claims.filter { !$0.beat() }
      let isDone = state.withLock { state in
        state.claims.removeAll { claim in gone.contains { $0 === claim } }
        state.isBeating = !state.claims.isEmpty
        return state.claims.isEmpty
      }
      if isDone { return }
    }
  }
}
