import Harness

/// The lines of the `bench` commands.
enum BenchText {
  static let heading =
    left("operation", 40) + right("forward ms", 12) + right("train ms", 12) + right("GFLOP/s", 10)
    + right("of peak", 9) + right("GB/s", 9) + right("of memory's", 13)
  static let trainHeading =
    left("architecture", 24) + right("ms/step", 10) + right("tokens/s", 12)
    + right("first step ms", 15) + right("parameters", 12) + right("kernels", 9)
    + right("floor ms", 10) + right("reached", 9)
  static let taskHeading =
    left("task", 24) + left("settings", 32) + right("tokens/example", 15)
    + right("M tokens/s", 12) + right("goal", 6)

  static func line(_ timing: OpTiming) -> String {
    left("\(timing.op) \(timing.variant)", 40)
      + right(FixedPoint.text(timing.forwardMilliseconds, digits: 3), 12)
      + right(FixedPoint.text(timing.trainMilliseconds, digits: 3), 12)
      + right(timing.gigaflops.map { FixedPoint.text($0, digits: 1) } ?? "-", 10)
      + right(timing.fractionOfPeak.map { FixedPoint.text($0, digits: 2) } ?? "-", 9)
      + right(FixedPoint.text(timing.gigabytesPerSecond, digits: 1), 9)
      + right(FixedPoint.text(timing.fractionOfBandwidth, digits: 2), 13)
  }

  static func line(_ timing: ProductTiming) -> String {
    right("\(timing.m)", 6) + right("\(timing.n)", 6) + right("\(timing.k)", 6) + "  "
      + timing.layout + right(FixedPoint.text(timing.gigaflops, digits: 1), 10)
      + right(FixedPoint.text(timing.fractionOfPeak, digits: 2), 9)
      + right(timing.blasGigaflops.map { FixedPoint.text($0, digits: 1) } ?? "-", 8)
      + right(timing.ratio.map { FixedPoint.text($0, digits: 2) } ?? "-", 7)
  }

  static func line(_ timing: TrainTiming) -> String {
    left(timing.row.architecture, 24)
      + right(FixedPoint.text(timing.millisecondsPerStep, digits: 2), 10)
      + right(FixedPoint.text(timing.tokensPerSecond, digits: 0), 12)
      + right(FixedPoint.text(timing.firstStepMilliseconds, digits: 1), 15)
      + right("\(timing.parameters)", 12)
      + right(timing.floor.map { "\($0.kernels)" } ?? "-", 9)
      + right(timing.floor.map { FixedPoint.text($0.milliseconds, digits: 2) } ?? "-", 10)
      + right(timing.floor.map { FixedPoint.text($0.fractionReached, digits: 2) } ?? "-", 9)
  }

  static func line(_ timing: TaskTiming) -> String {
    left(timing.task, 24) + left(timing.settings, 32)
      + right(FixedPoint.text(timing.tokensPerExample, digits: 1), 15)
      + right(FixedPoint.text(timing.tokensPerSecond / 1e6, digits: 1), 12)
      + right(FixedPoint.text(timing.goal / 1e6, digits: 0), 6)
      + (timing.reachesGoal ? "" : "  missed")
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }
}

/// Numbers of any size in few characters.
enum Scientific {
  /// One digit behind the point and an exponent, such as 3.1e-04.
  static func text(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    var (mantissa, exponent) = (abs(value), 0)
    while mantissa >= 9.95 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa > 0, mantissa < 0.995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let digits = String(abs(exponent))
    return (value < 0 ? "-" : "") + FixedPoint.text(mantissa, digits: 1) + "e"
      + (exponent < 0 ? "-" : "+") + (digits.count < 2 ? "0" : "") + digits
  }
}
