import Configuration
import Platform
import Records

extension Learnability {
  /// How far below the best score the window of learning rates reaches.
  static let tolerance = 0.05
  /// The share of the way from the worst to a perfect score at which a task is solved.
  static let solvedFrom = 0.9

  /// The learnability of a row; nil where it has no results.
  ///
  /// - Parameters:
  ///   - group: All cells of the row.
  ///   - chosen: The setting that was chosen on validation.
  init?(_ group: Group, chosen: Candidate) {
    guard let facts = chosen.results.first?.task else { return nil }
    let metric = Metric(rawValue: facts.metric) ?? .tokenAccuracy
    let rates = Self.rates(group, metric)
    let threshold = Self.threshold(metric, chance: facts.chance)
    let solves = { (score: Double) in
      threshold.map { metric.merit(score) >= metric.merit($0) } ?? false
    }
    self.rates = rates.count > 1 ? rates : nil
    window = rates.count > 1 ? Window(rates, metric, chance: facts.chance) : nil
    self.threshold = threshold
    seeds = chosen.results.count
    solved = chosen.results.count { $0.status == .finished && solves($0.score($0.testOverall)) }
    let firstSteps = chosen.results.map { record in
      record.training.curve.first { point in
        point.validation.value(record.task.metric).map(solves) ?? false
      }.map { Double($0.step) }
    }
    reached = firstSteps.count { $0 != nil }
    steps = threshold == nil ? nil : Self.median(firstSteps)
  }

  /// 0.9 for an accuracy, 0.1 for a distance; where a guess is that good already, 0.9 of the way
  /// from it to a perfect score.
  private static func threshold(_ metric: Metric, chance: Double) -> Double? {
    guard let perfect = metric.perfect else { return nil }
    let usual = metric.isHigherBetter ? solvedFrom : 1 - solvedFrom
    guard metric.merit(chance) >= metric.merit(usual) else { return usual }
    return chance + solvedFrom * (perfect - chance)
  }

  private static func rates(_ group: Group, _ metric: Metric) -> [Rate] {
    var best: [Double: Double] = [:]
    for candidate in group.candidates {
      guard let score = candidate.validation, let record = candidate.results.first else { continue }
      let rate = record.configuration.training.learningRate
      if let other = best[rate], metric.merit(other) >= metric.merit(score) { continue }
      best[rate] = score
    }
    return best.sorted { $0.key < $1.key }.map { Rate(learningRate: $0.key, validation: $0.value) }
  }

  /// The median, in which what is nil comes last; nil where the middle does.
  private static func median(_ steps: [Double?]) -> Double? {
    let sorted = steps.compactMap(\.self).sorted()
    let upper = steps.count / 2
    let lower = (steps.count - 1) / 2
    guard upper < sorted.count else { return nil }
    return (sorted[lower] + sorted[upper]) / 2
  }
}

extension Learnability.Window {
  fileprivate init?(_ rates: [Learnability.Rate], _ metric: Metric, chance: Double) {
    let merits = rates.map { metric.merit($0.validation) }
    // Rounding must not decide about a score that lies exactly at the edge.
    let slack = Learnability.tolerance + 1e-9
    guard let best = merits.max(), let top = merits.firstIndex(of: best),
      best - metric.merit(chance) > slack
    else { return nil }
    let holds = { (place: Int) in merits[place] >= best - slack }
    var (first, last) = (top, top)
    while first > 0, holds(first - 1) { first -= 1 }
    while last + 1 < merits.count, holds(last + 1) { last += 1 }
    lowest = rates[first].learningRate
    highest = rates[last].learningRate
    isLowerBound = first == 0 || last == rates.count - 1
    self.rates = last - first + 1
    // Rounded, because the last digit of a logarithm is not the same everywhere.
    let ratio = lowest > 0 ? highest / lowest : 1
    decades = (Mathematics.logarithm(ratio) / Mathematics.logarithm(10) * 1e4).rounded() / 1e4
  }
}
