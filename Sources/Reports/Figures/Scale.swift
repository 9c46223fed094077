import Platform

/// The map from an axis's values to places in the drawing.
struct Scale {
  enum Kind { case linear, logarithmic }

  struct Tick {
    let value: Double
    let label: String
  }

  let kind: Kind
  let domain: ClosedRange<Double>
  let start: Double
  let end: Double
  let ticks: [Tick]

  func position(_ value: Double) -> Double {
    let (low, high) = (transformed(domain.lowerBound), transformed(domain.upperBound))
    let share = high > low ? (transformed(value) - low) / (high - low) : 0.5
    return start + min(1, max(0, share)) * (end - start)
  }

  private func transformed(_ value: Double) -> Double {
    kind == .linear ? value : Mathematics.logarithm(max(value, .leastNormalMagnitude))
  }
}

extension Scale {
  /// An axis for a score, from a round number below all values to 1.
  static func score(_ values: [Double], start: Double, end: Double) -> Scale {
    let least = values.filter(\.isFinite).min() ?? 0
    let tenths = max(0, min(9, ((least - 0.04) * 10).rounded(.down)))
    let lower = tenths < 3 ? 0 : tenths / 10
    let step = lower == 0 ? 0.2 : lower < 0.8 ? 0.1 : 0.05
    let count = Int(((1 - lower) / step).rounded())
    let wide = abs(end - start) >= 30 * Double(count)
    let ticks = stride(from: 0, through: count, by: wide ? 1 : 2).map { index in
      let value = 1 - Double(index) * step
      return Tick(value: value, label: NumberText.short(NumberText.rounded(value)))
    }
    // The margin keeps markers at a score of 1 inside of the panel.
    return Scale(
      kind: .linear, domain: lower...(1 + 0.03 * (1 - lower)), start: start, end: end, ticks: ticks)
  }

  /// An axis from 0 for counts, such as steps.
  static func count(_ values: [Double], start: Double, end: Double) -> Scale {
    let most = max(values.max() ?? 1, 1)
    let step = roundStep(most / 5)
    let ticks = stride(from: 0, through: most * 1.001, by: step).map {
      Tick(value: $0, label: countLabel($0))
    }
    return Scale(kind: .linear, domain: 0...(most * 1.03), start: start, end: end, ticks: ticks)
  }

  /// An axis for positive values: by powers of two where they span more than a factor of 6.
  ///
  /// - Parameters:
  ///   - values: The values that must lie on the axis.
  ///   - start: Where the axis starts in the drawing.
  ///   - end: Where it ends.
  ///   - label: The text of a tick.
  /// - Returns: The axis.
  static func positive(
    _ values: [Double], start: Double, end: Double, label: (Double) -> String
  ) -> Scale {
    let (least, most) = (max(values.min() ?? 1, 1), max(values.max() ?? 1, 1))
    guard most > 6 * least else {
      let step = roundStep(max(most - least, 1) / 4)
      let first = (least / step).rounded(.up) * step
      let margin = max(most - least, 1) * 0.06
      return Scale(
        kind: .linear, domain: (least - margin)...(most + margin), start: start, end: end,
        ticks: stride(from: first, through: most * 1.001, by: step).map {
          Tick(value: $0, label: label($0))
        })
    }
    let octaves = Mathematics.logarithm(most / least) / Mathematics.logarithm(2)
    let margin = Mathematics.exponential(Mathematics.logarithm(2) * octaves * 0.04)
    let labels = max(2, (abs(end - start) / 52).rounded(.down))
    let stride = max(1, Int((octaves / labels).rounded(.up)))
    let powers = (0..<62).map { Double(1 << $0) }.filter {
      $0 >= least / margin && $0 <= most * margin
    }
    let ticks = powers.enumerated().filter { $0.offset % stride == 0 }.map {
      Tick(value: $0.element, label: label($0.element))
    }
    return Scale(
      kind: .logarithmic, domain: (least / margin)...(most * margin), start: start, end: end,
      ticks: ticks)
  }

  /// 1, 2 or 5 times a power of ten, at least as large as the step.
  private static func roundStep(_ step: Double) -> Double {
    var power = 1.0
    while power * 10 <= step { power *= 10 }
    while power > step { power /= 10 }
    for factor in [1.0, 2, 5] where factor * power >= step { return factor * power }
    return 10 * power
  }

  static func countLabel(_ value: Double) -> String {
    value >= 10_000 ? NumberText.short(value / 1000) + "k" : NumberText.short(value)
  }
}

extension NumberText {
  /// The number without the last digits, which sums of fractions disturb.
  static func rounded(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }
}
