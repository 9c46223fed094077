import Configuration

extension CellRecord {
  /// The greatest count that a record may state: sums of many cannot overflow.
  private static let mostOfAnything = 1 << 53

  /// What no record can say, in one line; nil for a possible one.
  ///
  /// A right checksum does not mean that the program wrote the file: whatever reads records relies
  /// on their counts being counts.
  var fault: String? {
    let model =
      self.model.map { [$0.parameters, $0.stateFloats ?? 0, $0.stateBytes ?? 0] } ?? []
    let training = [training.steps, training.selectedStep, training.examples, training.tokens]
    let points = self.training.curve.map(\.step)
    let scores = self.scores.flatMap { [$0.tokens, $0.examples, $0.answers ?? 0] }
    let bands = test.flatMap { $0.slices.flatMap { [$0.from, $0.to] } }
    let counts =
      model + training + points + scores + test.map(\.examples) + [task.vocabulary]
    if let wrong = counts.first(where: { !(0...Self.mostOfAnything).contains($0) }) {
      return "\(wrong) cannot be a count"
    }
    if let wrong = bands.first(where: { $0.magnitude > UInt(Self.mostOfAnything) }) {
      return "\(wrong) cannot be the end of a band"
    }
    if test.contains(where: { $0.slices.contains { $0.from > $0.to } }) {
      return "a band ends before it starts"
    }
    // The cross-entropy is no share, and neither is that of a guess.
    let further = (task.further ?? []).filter { $0.metric != Metric.loss.rawValue }
    let isShare = task.metric != Metric.loss.rawValue
    let chances =
      (isShare ? [task.chance] + test.map(\.chance) : []) + further.compactMap(\.chance)
    let shares = chances + self.scores.flatMap(shares)
    if let wrong = shares.first(where: { !(0...1.000001).contains($0) }) {
      return "\(wrong) cannot be an accuracy"
    }
    let losses = self.scores.map(\.loss)
    return losses.first { $0 < 0 }.map { "\($0) cannot be a loss" }
  }

  /// What is a share of something in scores.
  ///
  /// A distribution may be NaN: where training diverged, and of a finished model on test sequences
  /// that are longer than those it was chosen by.
  private func shares(_ scores: Scores) -> [Double] {
    let variation = scores.totalVariation.flatMap { $0.isNaN ? nil : $0 }
    return [scores.tokenAccuracy, scores.exampleAccuracy, scores.sequenceAccuracy]
      + [scores.answerAccuracy, scores.grammarAccuracy, variation].compactMap { $0 }
  }

  /// All scores in the record.
  private var scores: [Scores] {
    let segments = test.flatMap { segment in
      let baselines = (segment.baselines ?? []).flatMap { [$0.scores] + $0.slices.map(\.scores) }
      let grids = (segment.grids ?? []).flatMap { $0.cells.map(\.scores) }
      return [segment.scores] + segment.slices.map(\.scores) + grids + baselines
    }
    return training.curve.map(\.validation) + [validation, testOverall].compactMap { $0 }
      + task.baselines.compactMap(\.scores) + segments
  }
}
