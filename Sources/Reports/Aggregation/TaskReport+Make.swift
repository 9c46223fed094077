import Configuration
import Records

extension TaskReport {
  init(
    _ name: String, _ groups: [NamedGroup], series: SeriesNames, timings: [String: CellTiming]
  ) {
    let all = groups.flatMap(\.group.records)
    let tested = groups.compactMap(\.group.chosen).flatMap(\.results).map(TestedRecord.init)
    let bands = Self.bands(tested)
    let reference = all.first { !$0.test.isEmpty } ?? all[0]
    self.name = name
    metric = reference.task.metric
    chance = reference.task.chance
    baselines = reference.task.baselines
    trainingLengths = reference.configuration.task.trainingLengths
    segments = Self.segments(reference)
    self.bands = bands
    let byKey = Dictionary(
      tested.map { ($0.record.key, $0) }, uniquingKeysWith: { first, _ in first })
    results = groups.map { group in
      ModelResult(
        group, series: series.name(of: group.names.model), bands: bands,
        segments: reference.configuration.task.test.count, tested: byKey, timings: timings)
    }
  }

  /// All bands, with the chance of the first record that has them.
  private static func bands(_ tested: [TestedRecord]) -> [BandChance] {
    var chances: [Band: Double] = [:]
    for record in tested {
      chances.merge(record.bands.mapValues(\.chance)) { first, _ in first }
    }
    return chances.sorted { Band.precedes($0.key, $1.key) }.map {
      BandChance(slice: $0.key.slice, band: $0.key.span, chance: $0.value)
    }
  }

  private static func segments(_ record: CellRecord) -> [SegmentChance] {
    let settings = record.configuration.task.test.map(\.settings)
    let varied = SegmentResult.variedSettings(settings)
    return settings.enumerated().map { index, settings in
      let name = varied.map { "\($0)=\(settings[$0]?.label ?? "none")" }.joined(separator: " ")
      return SegmentChance(
        name: name.isEmpty ? "all" : name,
        chance: index < record.test.count ? record.test[index].chance : record.task.chance)
    }
  }
}

/// A record with its bands, which are costly to gather.
struct TestedRecord {
  let record: CellRecord
  let bands: [Band: (scores: Scores, chance: Double)]

  init(_ record: CellRecord) {
    self.record = record
    bands = record.bands
  }
}

extension ModelResult {
  init(
    _ named: NamedGroup, series: String, bands: [BandChance], segments: Int,
    tested: [String: TestedRecord], timings: [String: CellTiming]
  ) {
    let candidate = named.group.chosen ?? named.group.candidates[0]
    let results = candidate.results
    let facts = candidate.records.first { $0.model != nil }?.model
    let score = Statistic(results.map { $0.score($0.testOverall) })
    model = named.names.model
    self.series = series
    chosen = candidate.tuned
    candidates = named.group.candidates.count
    finished = candidate.records.filter { $0.status == .finished }.count
    diverged = candidate.records.filter { $0.status == .diverged }.count
    failed = candidate.records.filter { $0.status == .failed }.count
    validation = Statistic(results.map { $0.score($0.validation) })
    self.score = score
    scaled = results.first.flatMap { Self.scaled(score?.mean, chance: $0.task.chance) }
    scores = Self.mean(results.filter { $0.status == .finished }.compactMap(\.testOverall))
    parameters = facts?.parameters
    stateBytes = facts?.stateBytes
    eigenvalues = facts.map { Self.eigenvalues($0.mixers) }
    self.segments = (0..<segments).compactMap { Self.segment($0, results) }
    self.bands = bands.map { Self.band($0, results.compactMap { tested[$0.key] }) }
    curve = CurveMean.curve(results)
    tokensPerSecond = Self.median(results.compactMap { timings[$0.key]?.tokensPerSecond })
  }

  private static func scaled(_ score: Double?, chance: Double) -> Double? {
    guard let score, chance < 1 else { return nil }
    return (score - chance) / (1 - chance)
  }

  private static func segment(_ index: Int, _ results: [CellRecord]) -> Statistic? {
    // A diverged cell has no segments; any other cell of the setting knows their chance.
    let chance = results.first { index < $0.test.count }?.test[index].chance
    return Statistic(
      results.map { record in
        record.score(
          index < record.test.count ? record.test[index].scores : nil,
          chance: chance ?? record.task.chance)
      })
  }

  private static func band(_ band: BandChance, _ results: [TestedRecord]) -> Statistic? {
    let key = Band(slice: band.slice, span: band.band)
    guard results.contains(where: { $0.bands[key] != nil || $0.record.status == .diverged }) else {
      return nil
    }
    return Statistic(results.map { $0.record.score($0.bands[key]?.scores, chance: band.chance) })
  }

  /// The means of scores that weigh the same, because every seed sees as many examples.
  private static func mean(_ scores: [Scores]) -> Scores? {
    guard let first = scores.first else { return nil }
    func mean(_ score: KeyPath<Scores, Double>) -> Double {
      scores.reduce(0) { $0 + $1[keyPath: score] } / Double(scores.count)
    }
    return Scores(
      tokenAccuracy: mean(\.tokenAccuracy), exampleAccuracy: mean(\.exampleAccuracy),
      sequenceAccuracy: mean(\.sequenceAccuracy), loss: mean(\.loss), tokens: first.tokens,
      examples: first.examples)
  }

  private static func eigenvalues(_ mixers: [ModelFacts.Mixer]) -> String {
    var texts: [String] = []
    for mixer in mixers where !mixer.eigenvalues.isEmpty && !texts.contains(mixer.eigenvalues) {
      texts.append(mixer.eigenvalues)
    }
    return texts.joined(separator: ", ")
  }

  private static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}

extension CurveMean {
  /// The mean curve of some seeds.
  ///
  /// A seed that stopped early keeps its last score, because it stopped for being good enough; one
  /// that diverged counts as a guess from then on.
  static func curve(_ records: [CellRecord]) -> [CurveMean] {
    let steps = Set(records.flatMap { $0.training.curve.map(\.step) }).sorted()
    return steps.compactMap { step in
      let points = records.compactMap { $0.point(at: step) }
      if points.isEmpty { return nil }
      let count = Double(points.count)
      return CurveMean(
        step: step, score: points.reduce(0) { $0 + $1.score } / count,
        loss: points.reduce(0) { $0 + $1.loss } / count)
    }
  }
}

extension CellRecord {
  /// The validation score and training loss at a step; nil before the first validation.
  fileprivate func point(at step: Int) -> (score: Double, loss: Double)? {
    guard let last = training.curve.last(where: { $0.step <= step }) else { return nil }
    if status == .diverged, last.step < step { return (task.chance, last.loss) }
    let score = last.validation.value(task.metric) ?? task.chance
    return (score.isNaN ? task.chance : score, last.loss)
  }
}
