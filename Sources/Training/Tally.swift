package import TaskGenerators

/// Counts of right answers, from which every metric is computed.
package struct Tally: Sendable, Equatable {
  package var tokens = 0
  package var right = 0
  package var examples = 0
  /// The sum over examples of each one's share of right answers.
  package var shares = 0.0
  package var sequences = 0
  /// The sum of the cross-entropies of all scored positions.
  package var loss = 0.0

  package init() {}

  /// Adds one example.
  package mutating func add(tokens: Int, right: Int, loss: Double) {
    guard tokens > 0 else { return }
    self.tokens += tokens
    self.right += right
    self.loss += loss
    examples += 1
    shares += Double(right) / Double(tokens)
    if right == tokens { sequences += 1 }
  }

  package mutating func add(_ other: Tally) {
    tokens += other.tokens
    right += other.right
    examples += other.examples
    shares += other.shares
    sequences += other.sequences
    loss += other.loss
  }

  package var tokenAccuracy: Double { tokens > 0 ? Double(right) / Double(tokens) : 0 }
  package var exampleAccuracy: Double { examples > 0 ? shares / Double(examples) : 0 }
  package var sequenceAccuracy: Double { examples > 0 ? Double(sequences) / Double(examples) : 0 }
  package var meanLoss: Double { tokens > 0 ? loss / Double(tokens) : 0 }

  package func score(_ metric: Metric) -> Double {
    switch metric {
    case .tokenAccuracy: tokenAccuracy
    case .exampleAccuracy: exampleAccuracy
    case .sequenceAccuracy: sequenceAccuracy
    }
  }
}

/// The tallies of one segment: all of it, and by slice.
package struct SegmentTally: Sendable {
  package var overall = Tally()
  /// By slice name, then by the first value of each band.
  package var slices: [String: [Int: (band: ClosedRange<Int>, tally: Tally)]] = [:]

  package init() {}

  /// Adds one example to everything that it belongs to.
  package mutating func add(_ example: Example, names: [String], right: Int, loss: Double) {
    let tokens = example.targets.count
    overall.add(tokens: tokens, right: right, loss: loss)
    for (name, value) in zip(names, example.slices) {
      let band = name == "length" ? lengthBand(of: value) : value...value
      var entry = slices[name]?[band.lowerBound] ?? (band, Tally())
      entry.tally.add(tokens: tokens, right: right, loss: loss)
      slices[name, default: [:]][band.lowerBound] = entry
    }
  }

  /// The slices with more than one value; the others say nothing that the whole does not say.
  package var informativeSlices: [(name: String, band: ClosedRange<Int>, tally: Tally)] {
    slices.sorted { $0.key < $1.key }.filter { $0.value.count > 1 }.flatMap { name, bands in
      bands.sorted { $0.key < $1.key }.map { (name, $0.value.band, $0.value.tally) }
    }
  }
}

/// The bands in which results are broken down by length: those of the negative-eigenvalue paper
/// (arXiv 2411.12537) up to 256, then by doubling.
package func lengthBand(of length: Int) -> ClosedRange<Int> {
  var lower = 1
  for upper in [40, 80, 128, 192, 256] {
    if length <= upper { return lower...upper }
    lower = upper + 1
  }
  var upper = 512
  while length > upper {
    lower = upper + 1
    upper *= 2
  }
  return lower...upper
}
