import Configuration
import Records
import TaskGenerators
import Training

/// What is known of a task's test before any model: the chance lines and the baselines' scores.
struct TestFacts {
  /// What is known of one test segment.
  struct Segment {
    let chance: Double
    let baselines: [BaselineResult]
  }

  let task: TaskFacts
  let segments: [Segment]

  /// Works out the chance lines and measures the baselines.
  ///
  /// - Throws: `SettingError` for a task that cannot be made.
  init(_ configuration: CellConfiguration, _ registries: Registries) throws(SettingError) {
    let info = try registries.tasks.type(named: configuration.task.name).info
    let test = try registries.segments(configuration.task.name, configuration.task.test)
    let scorer = BaselineScorer(test, seed: UInt64(configuration.seed))
    let lines = ChanceLines(test, metrics: info.metrics, scorer)
    let baselines = scorer.baselines()
    segments = test.indices.map { place in
      Segment(
        chance: lines.chance(of: info.metric, place) ?? 0,
        baselines: baselines.map { BaselineResult(name: $0.name, $0.tallies[place]) })
    }
    let further = info.metrics.dropFirst().map {
      TaskFacts.Further(metric: $0.rawValue, chance: lines.chance(of: $0))
    }
    task = TaskFacts(
      metric: info.metric.rawValue, chance: lines.chance(of: info.metric) ?? 0,
      baselines: baselines.map { name, tallies in
        let scores = Self.weighted(tallies, test)
        return TaskFacts.Baseline(
          name: name, value: scores.value(info.metric) ?? .nan, scores: scores)
      },
      vocabulary: try registries.data(configuration.task.segments).vocabulary,
      further: further.isEmpty ? nil : further,
      breakdowns: info.breakdowns.isEmpty ? nil : info.breakdowns)
  }

  /// The scores on all segments, each with the weight of the examples that models are tested on.
  private static func weighted(_ tallies: [SegmentTally], _ test: [DataSegment]) -> Scores {
    Scores.combined(
      zip(tallies, test).map { tally, segment in
        var scores = Scores(tally.overall)
        let factor = Double(segment.examples ?? scores.examples) / Double(max(1, scores.examples))
        scores.tokens = Int((Double(scores.tokens) * factor).rounded())
        scores.answers = scores.answers.map { Int((Double($0) * factor).rounded()) }
        scores.examples = segment.examples ?? scores.examples
        return scores
      })
  }
}

extension TestFacts {
  /// Puts the scores on the test segments into a record, each with its chance and baselines.
  func fill(_ record: inout CellRecord, from tallies: [SegmentTally]) {
    record.test = zip(zip(record.configuration.task.test, segments), tallies).map {
      let ((configuration, segment), tally) = ($0.0, $0.1)
      let grids = tally.crossed.map(GridResult.init)
      return SegmentResult(
        settings: configuration.settings, examples: tally.overall.examples,
        chance: segment.chance, scores: Scores(tally.overall),
        slices: tally.informativeSlices.map(SliceResult.init),
        grids: grids.isEmpty ? nil : grids,
        baselines: segment.baselines.isEmpty ? nil : segment.baselines)
    }
    record.testOverall = Scores(tallies.reduce(into: Tally()) { $0.add($1.overall) })
  }
}

/// What the guess scores, by its formula or, where there is none, measured.
private struct ChanceLines {
  private let test: [DataSegment]
  private let measured: [SegmentTally]

  init(_ test: [DataSegment], metrics: [Metric], _ scorer: BaselineScorer) {
    self.test = test
    let hasFormulas = test.allSatisfy { segment in
      metrics.allSatisfy { segment.task.chance(of: $0) != nil }
    }
    measured = hasFormulas ? [] : scorer.guess()
  }

  /// The chance of one segment; nil where it is not a number.
  func chance(of metric: Metric, _ place: Int) -> Double? {
    let value =
      test[place].task.chance(of: metric) ?? measured[place].overall.value(metric) ?? .nan
    return value.isFinite ? value : nil
  }

  /// The mean over the segments, weighted by what the metric counts.
  func chance(of metric: Metric) -> Double? {
    var sum = 0.0
    var weights = 0.0
    for place in test.indices {
      guard let chance = chance(of: metric, place) else { return nil }
      let weight = Double(test[place].examples ?? 1) * count(of: metric, place)
      sum += chance * weight
      weights += weight
    }
    return sum / max(weights, 1)
  }

  /// What an example of a segment counts for in a metric, apart from a factor.
  private func count(of metric: Metric, _ place: Int) -> Double {
    let task = test[place].task
    switch metric {
    case .exampleAccuracy, .sequenceAccuracy: return 1
    case .answerAccuracy: return Double(task.maximumTargets) / Double(task.answerLength)
    case .tokenAccuracy, .grammarAccuracy, .totalVariation, .loss:
      return Double(task.maximumTargets)
    }
  }
}
