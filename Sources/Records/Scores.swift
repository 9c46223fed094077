/// What a model scored on a number of examples.
public struct Scores: Codable, Sendable, Hashable {
  /// Right answers over scored positions, all examples together.
  public var tokenAccuracy: Double
  /// Right answers over the scored positions of an example, averaged over examples.
  public var exampleAccuracy: Double
  /// The share of examples in which every scored position is right.
  public var sequenceAccuracy: Double
  /// The mean cross-entropy of a scored position, in nats.
  public var loss: Double
  /// The number of scored positions.
  public var tokens: Int
  public var examples: Int

  public init(
    tokenAccuracy: Double, exampleAccuracy: Double, sequenceAccuracy: Double, loss: Double,
    tokens: Int, examples: Int
  ) {
    self.tokenAccuracy = tokenAccuracy
    self.exampleAccuracy = exampleAccuracy
    self.sequenceAccuracy = sequenceAccuracy
    self.loss = loss
    self.tokens = tokens
    self.examples = examples
  }

  /// The score of a name, or nil where no score has it.
  public func value(_ metric: String) -> Double? {
    switch metric {
    case "tokenAccuracy": tokenAccuracy
    case "exampleAccuracy": exampleAccuracy
    case "sequenceAccuracy": sequenceAccuracy
    case "loss": loss
    default: nil
    }
  }

  /// The scores of several disjoint sets of examples taken together.
  ///
  /// What counts positions is weighted by positions, what counts examples by examples; so the
  /// result is what one evaluation of all of them would have given. Of nothing, the scores are
  /// NaN.
  public static func combined(_ parts: [Scores]) -> Scores {
    let parts = parts.filter { $0.examples > 0 }
    if parts.count == 1 { return parts[0] }
    let tokens = parts.reduce(0) { $0 + $1.tokens }
    let examples = parts.reduce(0) { $0 + $1.examples }
    func mean(_ score: KeyPath<Scores, Double>, by weight: KeyPath<Scores, Int>) -> Double {
      var sum = 0.0
      var weights = 0
      for part in parts where part[keyPath: weight] > 0 {
        sum += part[keyPath: score] * Double(part[keyPath: weight])
        weights += part[keyPath: weight]
      }
      return weights > 0 ? sum / Double(weights) : .nan
    }
    return Scores(
      tokenAccuracy: mean(\.tokenAccuracy, by: \.tokens),
      exampleAccuracy: mean(\.exampleAccuracy, by: \.examples),
      sequenceAccuracy: mean(\.sequenceAccuracy, by: \.examples),
      loss: mean(\.loss, by: \.tokens), tokens: tokens, examples: examples)
  }
}
