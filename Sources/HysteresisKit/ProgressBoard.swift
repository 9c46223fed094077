import Configuration
import Harness
import Platform
import Records
import Synchronization
import Training

/// Shows how far a grid is: redrawn lines on a terminal, a line per finished cell elsewhere.
final class ProgressBoard: Sendable {
  private struct State {
    var active: [Int: ActiveCell] = [:]
    /// The cells that ended, with the share of their steps that an earlier run had done.
    var ended: [(cell: Int, shareBefore: Double)] = []
    var failed = 0
    var elsewhere = 0
    var drawnLines = 0
    var lastDrawing = 0.0
  }

  private let total: Int
  private let weights: CellWeights
  private let start = MonotonicClock.seconds
  private let quiet: Bool
  private let terminal: Terminal
  private let state = Mutex(State())

  /// Makes a board and says what is to be done.
  ///
  /// - Parameters:
  ///   - workload: The cells.
  ///   - jobs: How many are trained side by side; nil where others train them.
  ///   - quiet: Whether to show nothing at all.
  init(_ workload: Workload, jobs: Int?, quiet: Bool) {
    total = workload.pending.count
    weights = CellWeights(workload)
    self.quiet = quiet
    terminal = Terminal(.errors)
    guard !quiet, total > 0 else { return }
    let what = "\(total) of \(workload.keys.count) cells to "
    Console.talk(what + (jobs.map { "train, \($0) side by side" } ?? "wait for"))
  }

  private var isLive: Bool {
    terminal.isInteractive && Environment.value("TERM") != "dumb" && Environment.value("CI") == nil
  }

  func note(_ event: GridEvent) {
    guard !quiet else { return }
    let now = MonotonicClock.seconds
    state.withLock { state in
      switch event {
      case .started(let cell, let planned):
        state.active[cell] = ActiveCell(planned, now: now)
      case .progress(let cell, .step(let step, _, let loss, let tokens)):
        state.active[cell]?.take(step: step, loss: loss, tokens: tokens, now: now)
      case .progress(let cell, .validated(let sample)):
        state.active[cell]?.take(sample)
        state.active[cell]?.resume(now: now)
      case .ended(let cell, let planned, let record, let timing):
        end(cell, failed: record.status == .failed, &state)
        say(
          ProgressText.ended(
            planned, record, timing, position: state.ended.count, of: total,
            left: left(state, now: now)),
          &state)
      case .lost(let cell, let planned, let reason):
        end(cell, failed: true, &state)
        say("error: \(ProgressText.title(planned)): \(reason)", &state)
      case .left(let cell): leave(cell, &state)
      case .elsewhere(let cell, _): state.ended.append((cell, 1))
      case .notice(let text): say(text, &state)
      }
      if isLive { draw(&state, now: now) }
    }
  }

  /// Draws again though nothing happened, because time went on.
  ///
  /// - Parameter count: The cells that other processes train now.
  func tick(elsewhere count: Int) {
    guard !quiet, isLive else { return }
    state.withLock { state in
      state.elsewhere = count
      draw(&state, now: MonotonicClock.seconds)
    }
  }

  /// Takes the redrawn lines away.
  func close() {
    state.withLock { erase(&$0) }
  }

  private func end(_ cell: Int, failed: Bool, _ state: inout State) {
    let active = state.active.removeValue(forKey: cell)
    state.ended.append((cell, active?.shareBefore ?? 0))
    state.failed += failed ? 1 : 0
  }

  /// A cell that was interrupted or that somebody else has taken over: its steps stay unfinished.
  private func leave(_ cell: Int, _ state: inout State) { state.active[cell] = nil }

  private func say(_ line: String, _ state: inout State) {
    erase(&state)
    Console.talk(line)
  }

  private func erase(_ state: inout State) {
    guard state.drawnLines > 0 else { return }
    Console.draw(String(repeating: "\u{1B}[1A\u{1B}[2K", count: state.drawnLines))
    state.drawnLines = 0
    state.lastDrawing = 0
  }

  private func draw(_ state: inout State, now: Double) {
    guard now - state.lastDrawing >= 0.1 else { return }
    erase(&state)
    state.lastDrawing = now
    // The window may have changed, and a line that is broken in two could not be erased.
    let width = Terminal(.errors).width - 1
    let cells = state.active.sorted { $0.key < $1.key }.map(\.value)
    var lines = ProgressText.lines(of: cells, now: now, width: width)
    lines.append(
      ProgressText.summary(
        ended: state.ended.count, failed: state.failed, elsewhere: state.elsewhere, of: total,
        elapsed: now - start,
        left: left(state, now: now), tokensPerSecond: cells.reduce(0) { $0 + $1.tokensPerSecond },
        width: width, colour: terminal.usesColour))
    Console.draw(lines.map { $0 + "\n" }.joined())
    state.drawnLines = lines.count
  }

  /// The seconds that are left at the speed so far; nil before that is known.
  private func left(_ state: State, now: Double) -> Double? {
    let weights = self.weights.all
    let total = weights.values.reduce(0, +)
    var (here, settled) = (0.0, 0.0)
    let active = state.active.map { (cell: $0.key, before: $0.value.shareBefore, $0.value.share) }
    for (cell, before, share) in state.ended.map({ ($0.cell, $0.shareBefore, 1) }) + active {
      let weight = weights[cell] ?? 0
      here += weight * (share - before)
      settled += weight * share
    }
    guard here > 0.01 * total else { return nil }
    return (now - start) * max(0, total - settled) / here
  }
}

/// What the cells of a workload cost, relative to each other.
final class CellWeights: Sendable {
  private let weights: Mutex<[Int: Double]>

  /// Starts with the numbers of tokens; the operations take their place once they are counted,
  /// which training does not wait for.
  init(_ workload: Workload) {
    let cells = workload.pending.map { ($0, workload.plan.cells[$0].configuration) }
    weights = Mutex(
      Dictionary(
        cells.map { ($0, Double($1.training.steps * $1.training.batch)) },
        uniquingKeysWith: { $1 }))
    let registries = Hysteresis.registries
    guard !cells.isEmpty else { return }
    Threads.start { [self] in
      let counter = CellCounter(registries)
      var counted: [Int: Double] = [:]
      for (cell, configuration) in cells {
        guard !Interrupts.isRequested, let cost = counter.cost(of: configuration) else { return }
        counted[cell] = cost.operations
      }
      weights.withLock { [counted] in $0 = counted }
    }
  }

  var all: [Int: Double] { weights.withLock { $0 } }
}
