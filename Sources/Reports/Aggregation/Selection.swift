import Configuration
import Records

/// How the tuned setting of each row is chosen.
public enum Selection: String, Codable, Sendable, Hashable, CaseIterable {
  /// The best mean validation score over seeds; test scores are not looked at.
  case validation
  /// The best test score of one seed, the lowest: what papers without a validation set show.
  ///
  /// Its scores are too good, because the test set took part in training; it exists only for
  /// comparing with published figures that were chosen in this way.
  case testBest = "test-best"

  /// What every table says of scores that were not chosen on validation; nil where they were.
  public var warning: String? {
    switch self {
    case .validation: nil
    case .testBest:
      "SELECTED ON THE TEST SET (test-best): every row has the setting with the best test score "
        + "of one seed, so its scores are too good. Compare them only with figures chosen in the "
        + "same way."
    }
  }

  /// What a report's name gets, so that no plot or page goes without it.
  var suffix: String {
    switch self {
    case .validation: ""
    case .testBest: " (test-best: selected on the test set, one seed)"
    }
  }
}

extension Group {
  /// The candidate that stands for the group; nil where no cell has a result.
  func chosen(_ selection: Selection) -> Candidate? {
    switch selection {
    case .validation: best(of: candidates) { $0.validation }
    case .testBest: bestOnTest
    }
  }

  /// The one seed of the setting that is best on the test.
  private var bestOnTest: Candidate? {
    let seeds = candidates.flatMap { $0.results.map(\.configuration.seed) }
    guard let seed = seeds.min() else { return nil }
    let single = candidates.map { candidate in
      Candidate(
        tuned: candidate.tuned,
        records: candidate.records.filter { $0.configuration.seed == seed })
    }
    return best(of: single) { candidate in
      candidate.results.first.map { $0.score($0.testOverall) }
    }
  }

  /// The candidate with the best score; of equal ones that with lower settings.
  private func best(of candidates: [Candidate], by score: (Candidate) -> Double?) -> Candidate? {
    var best: (candidate: Candidate, merit: Double)?
    for candidate in candidates {
      guard let score = score(candidate), let facts = candidate.records.first?.task else {
        continue
      }
      let merit = facts.isHigherBetter ? score : -score
      if let current = best, current.merit >= merit { continue }
      best = (candidate, merit)
    }
    return best?.candidate
  }
}
