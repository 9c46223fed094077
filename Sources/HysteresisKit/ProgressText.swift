import Configuration
import Harness
import Records
import Training

/// A cell that is being trained, as the board shows it.
struct ActiveCell {
  let title: String
  let steps: Int
  private(set) var step = 0
  private(set) var loss: Double?
  /// The metric that models are chosen by, on validation.
  private(set) var score: (metric: String, value: Double)?
  /// Of the last looks, newer ones counting more.
  private(set) var tokensPerSecond = 0.0
  private var stepsPerSecond = 0.0
  private var firstStep: Int?
  private var lastLook: Double

  init(_ cell: PlannedCell, now: Double) {
    self.init(
      title: ProgressText.title(cell), steps: cell.configuration.training.steps, now: now)
  }

  init(title: String, steps: Int, now: Double) {
    self.title = title
    self.steps = steps
    lastLook = now
  }

  var share: Double { Double(step) / Double(max(1, steps)) }
  /// What an earlier run had done: a cell that starts anew is looked at after its first step.
  var shareBefore: Double { Double(max(0, (firstStep ?? 1) - 1)) / Double(max(1, steps)) }

  /// The seconds that its training will take; nil before that is known.
  var secondsLeft: Double? {
    stepsPerSecond > 0 ? Double(steps - step) / stepsPerSecond : nil
  }

  mutating func take(step: Int, loss: Double?, tokens: Int, now: Double) {
    let seconds = max(now - lastLook, 1e-6)
    if firstStep == nil {
      // The first look contains the making of the model.
      firstStep = step
    } else {
      let keeps = tokensPerSecond > 0 ? 0.7 : 0
      tokensPerSecond = keeps * tokensPerSecond + (1 - keeps) * Double(tokens) / seconds
      stepsPerSecond = keeps * stepsPerSecond + (1 - keeps) * Double(step - self.step) / seconds
    }
    (self.step, self.loss, lastLook) = (step, loss, now)
  }

  mutating func take(_ sample: CurveSample) {
    score = sample.score.map { (sample.metric.title, $0) }
  }

  /// Validation is no training: its time is left out of the speed.
  mutating func resume(now: Double) { lastLook = now }
}

/// The lines of the progress board.
enum ProgressText {
  static func title(_ cell: PlannedCell) -> String {
    "\(cell.taskLabel) · \(cell.modelLabel) · seed \(cell.configuration.seed)"
  }

  // MARK: - Redrawn lines

  /// A column behind the title; those that matter least go first where the line is narrow.
  private struct Column {
    let importance: Int
    let cells: [String]
    var width: Int { cells.map(\.count).max() ?? 0 }
  }

  private static let narrowestTitle = 24

  /// One line for each cell, in columns, at most `width` characters long.
  static func lines(of cells: [ActiveCell], now: Double, width: Int) -> [String] {
    var columns = columns(of: cells)
    let titles = cells.map(\.title)
    let wanted = titles.map(\.count).max() ?? 0
    func space() -> Int { width - 2 - columns.reduce(0) { $0 + $1.width + 2 } }
    while space() < min(wanted, narrowestTitle),
      let least = columns.indices.min(by: { columns[$0].importance < columns[$1].importance })
    {
      columns.remove(at: least)
    }
    let titleWidth = max(0, min(wanted, space()))
    return cells.indices.map { row in
      let parts = columns.map { $0.cells[row].leftPadded(to: $0.width) }
      let line = "  " + ([shortened(titles[row], to: titleWidth)] + parts).joined(separator: "  ")
      return String(line.prefix(max(0, width)))
    }
  }

  private static func columns(of cells: [ActiveCell]) -> [Column] {
    [
      Column(importance: 1, cells: cells.map { bar($0.share) }),
      Column(importance: 5, cells: cells.map { "\($0.step)/\($0.steps)" }),
      Column(importance: 2, cells: cells.map { $0.loss.map { "loss \(fixed($0, 3))" } ?? "" }),
      Column(
        importance: 4,
        cells: cells.map { $0.score.map { "\($0.metric) \(fixed($0.value, 3))" } ?? "" }),
      Column(
        importance: 3,
        cells: cells.map { $0.tokensPerSecond > 0 ? rate($0.tokensPerSecond) : "" }),
      Column(importance: 0, cells: cells.map { $0.secondsLeft.map { clock($0) + " left" } ?? "" }),
    ].filter { $0.width > 0 }
  }

  private static func bar(_ share: Double) -> String {
    let length = 12
    let full = Int((min(1, max(0, share)) * Double(length)).rounded(.down))
    return String(repeating: "━", count: full) + String(repeating: "─", count: length - full)
  }

  /// The line below the cells.
  static func summary(
    ended: Int, failed: Int, elsewhere: Int, of total: Int, elapsed: Double, left: Double?,
    tokensPerSecond: Double, width: Int, colour: Bool
  ) -> String {
    let parts = [
      "\(ended)/\(total) cells", failed > 0 ? "\(failed) failed" : nil,
      elsewhere > 0 ? "\(elsewhere) in training" : nil, clock(elapsed),
      left.map { "about \(clock($0)) left" }, tokensPerSecond > 0 ? rate(tokensPerSecond) : nil,
    ]
    // What does not fit is left out as a whole.
    let line = parts.compactMap { $0 }.reduce("") { line, part in
      line.count + 2 + part.count <= width ? line + "  " + part : line
    }
    return colour ? "\u{1B}[1m\(line)\u{1B}[0m" : line
  }

  // MARK: - Lines that stay

  /// The line of a cell that ended.
  static func ended(
    _ cell: PlannedCell, _ record: CellRecord, _ timing: CellTiming, position: Int, of total: Int,
    left: Double?
  ) -> String {
    let score = record.testOverall.flatMap { $0.value(record.task.metric) }
    let metric = Metric(rawValue: record.task.metric)?.title ?? record.task.metric
    var parts = [score.map { "\(metric) \(fixed($0, 3))" } ?? record.status.rawValue]
    if score == nil, let reason = record.reason { parts[0] += " (\(reason))" }
    parts += ["\(record.training.steps) steps", clock(timing.wallSeconds)]
    if position < total, let left { parts.append("about \(clock(left)) left") }
    return "[\(position)/\(total)] \(title(cell)): " + parts.joined(separator: ", ")
  }

  // MARK: - Numbers

  /// Minutes and seconds, with hours and days where there are some.
  static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "forever" }
    let whole = Int(max(0, seconds).rounded())
    let (days, hours) = (whole / 86400, whole / 3600 % 24)
    let (minutes, rest) = (whole / 60 % 60, twoDigits(whole % 60))
    if days > 0 { return "\(days) d \(hours) h" }
    return hours > 0 ? "\(hours):\(twoDigits(minutes)):\(rest)" : "\(minutes):\(rest)"
  }

  private static func twoDigits(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }

  static func rate(_ tokensPerSecond: Double) -> String {
    let number = Magnitude.text(tokensPerSecond)
    return (number.hasSuffix(" ") ? number : number + " ") + "tokens/s"
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    FixedPoint.text(value, digits: digits)
  }

  /// Both ends of a text that is too long, since titles differ at either.
  static func shortened(_ text: String, to width: Int) -> String {
    guard text.count > width else {
      return text + String(repeating: " ", count: width - text.count)
    }
    guard width > 1 else { return String(text.prefix(width)) }
    let back = (width - 1) / 2
    return text.prefix(width - 1 - back) + "…" + text.suffix(back)
  }
}

extension String {
  func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}

/// Numbers of any size with three digits and a unit.
enum Magnitude {
  /// Such as "12.3 M", for a unit to follow; powers of a thousand.
  static func text(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let units = [" ", " k", " M", " G", " T", " P", " E"]
    var (number, unit) = (abs(value), 0)
    while number >= 999.5, unit + 1 < units.count { (number, unit) = (number / 1000, unit + 1) }
    let digits = unit == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2
    return (value < 0 ? "-" : "") + FixedPoint.text(number, digits: digits) + units[unit]
  }

  /// A size in memory: whole MiB, or GiB with a digit.
  static func bytes(_ count: Int) -> String {
    let mebibytes = Double(count) / Double(1 << 20)
    if mebibytes < 1000 { return "\(max(1, Int(mebibytes.rounded(.up)))) MiB" }
    return FixedPoint.text(mebibytes / 1024, digits: 1) + " GiB"
  }
}
