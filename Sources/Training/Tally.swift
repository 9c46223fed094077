package import Configuration

/// Counts of right answers, from which every metric is computed.
package struct Tally: Sendable, Equatable, Codable {
  package var examples = 0
  /// The sum over examples of each one's share of right answers.
  package var shares = 0.0
  package var sequences = 0
  /// What all examples together have.
  package private(set) var marks = Marks()

  package init() {}

  package var tokens: Int { marks.tokens }
  package var right: Int { marks.right }
  /// The sum of the cross-entropies of all scored positions.
  package var loss: Double { marks.loss }

  /// Adds one example.
  package mutating func add(_ marks: Marks) {
    guard marks.tokens > 0 else { return }
    self.marks.add(marks)
    examples += 1
    shares += Double(marks.right) / Double(marks.tokens)
    if marks.right == marks.tokens { sequences += 1 }
  }

  package mutating func add(_ other: Tally) {
    marks.add(other.marks)
    examples += other.examples
    shares += other.shares
    sequences += other.sequences
  }

  /// The value of a metric; nil where it was not measured.
  package func value(_ metric: Metric) -> Double? {
    switch metric {
    case .tokenAccuracy: ratio(Double(marks.right), marks.tokens)
    case .exampleAccuracy: ratio(shares, examples)
    case .sequenceAccuracy: ratio(Double(sequences), examples)
    case .answerAccuracy: ratio(Double(marks.rightAnswers), marks.answers)
    case .grammarAccuracy: ratio(Double(marks.grammatical), marks.known)
    case .totalVariation: ratio(marks.variation, marks.known)
    case .loss: ratio(marks.loss, marks.tokens)
    }
  }

  /// The value of a metric such that more is better: what models are chosen by.
  package func merit(_ metric: Metric) -> Double {
    value(metric).map(metric.merit) ?? -.infinity
  }

  package var tokenAccuracy: Double { value(.tokenAccuracy) ?? 0 }
  package var exampleAccuracy: Double { value(.exampleAccuracy) ?? 0 }
  package var sequenceAccuracy: Double { value(.sequenceAccuracy) ?? 0 }
  package var meanLoss: Double { value(.loss) ?? 0 }

  private func ratio(_ sum: Double, _ count: Int) -> Double? {
    count > 0 ? sum / Double(count) : nil
  }
}

extension Marks {
  fileprivate mutating func add(_ other: Marks) {
    tokens += other.tokens
    right += other.right
    loss += other.loss
    answers += other.answers
    rightAnswers += other.rightAnswers
    known += other.known
    grammatical += other.grammatical
    variation += other.variation
  }
}
