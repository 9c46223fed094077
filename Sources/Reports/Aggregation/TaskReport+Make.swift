import Configuration
import Records

extension TaskReport {
  init(
    _ name: String, _ groups: [NamedGroup], series: SeriesNames, timings: [String: CellTiming],
    _ selection: Selection
  ) {
    let all = groups.flatMap(\.group.records)
    let tested = groups.compactMap(\.chosen).flatMap(\.results).map(TestedRecord.init)
    let bands = Self.bands(tested)
    let reference = all.first { !$0.test.isEmpty } ?? all[0]
    self.name = name
    let breakdowns = BreakdownPlan(reference.task.breakdowns ?? [], tested, bands: bands)
    let baselines = BaselineMeans(all)
    let chances = ChanceMeans(all)
    let chance = chances.overall(\.chance) ?? reference.task.chance
    let further = reference.task.further.map { $0.map { Self.further($0, chances) } }
    metric = reference.task.metric
    self.chance = chance
    oracle = Metric(rawValue: reference.task.metric)?.perfect
    self.baselines = baselines.overall(reference.task)
    baselineScores = baselines.statistics
    trainingLengths = reference.configuration.task.trainingLengths
    segments = Self.segments(reference, chances)
    self.bands = bands
    self.further = further
    baselineParts = baselines.parts(segments: segments.count, bands: bands)
    gaps = breakdowns.gapNames
    reaches = breakdowns.reachNames
    grids = breakdowns.grids
    let byKey = Dictionary(
      tested.map { ($0.record.key, $0) }, uniquingKeysWith: { first, _ in first })
    results = groups.map { group in
      ModelResult(
        group, series: series.name(of: group.names.model), bands: bands,
        chance: chance, segments: reference.configuration.task.test.count, further: further,
        breakdowns: breakdowns, tested: byKey, timings: timings, selection)
    }
  }

  /// All bands, with their chance over the seeds.
  private static func bands(_ tested: [TestedRecord]) -> [BandChance] {
    let chances = ChanceMeans.parts(of: tested) { $0.bands.mapValues(\.chance) }
    return chances.sorted { Band.precedes($0.key, $1.key) }.map {
      BandChance(slice: $0.key.slice, band: $0.key.span, chance: $0.value)
    }
  }

  private static func further(
    _ further: TaskFacts.Further, _ chances: ChanceMeans
  ) -> TaskFacts.Further {
    let chance = chances.overall { facts in
      facts.further?.first { $0.metric == further.metric }?.chance
    }
    return TaskFacts.Further(metric: further.metric, chance: chance)
  }

  private static func segments(
    _ record: CellRecord, _ chances: ChanceMeans
  ) -> [SegmentChance] {
    let settings = record.configuration.task.test.map(\.settings)
    let varied = SegmentResult.variedSettings(settings)
    return settings.enumerated().map { index, settings in
      let name = varied.map { "\($0)=\(settings[$0]?.label ?? "none")" }.joined(separator: " ")
      return SegmentChance(
        name: name.isEmpty ? "all" : name,
        chance: chances.segment(index) ?? record.task.chance)
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
    _ named: NamedGroup, series: String, bands: [BandChance], chance: Double, segments: Int,
    further: [TaskFacts.Further]?, breakdowns: BreakdownPlan,
    tested: [String: TestedRecord], timings: [String: CellTiming], _ selection: Selection
  ) {
    let candidate = named.chosen ?? named.group.candidates[0]
    let results = candidate.results
    let facts = candidate.records.first { $0.model != nil }?.model
    let isHigherBetter = candidate.records.first?.task.isHigherBetter ?? true
    let score = Statistic(
      results.map { $0.score($0.testOverall) }, isHigherBetter: isHigherBetter)
    let testedResults = results.compactMap { tested[$0.key] }
    model = named.names.model
    self.series = series
    chosen = candidate.tuned
    candidates = named.group.candidates.count
    finished = candidate.records.filter { $0.status == .finished }.count
    diverged = candidate.records.filter { $0.status == .diverged }.count
    failed = candidate.records.filter { $0.status == .failed }.count
    isExternal = results.contains { $0.external != nil } ? true : nil
    // What a model trained elsewhere scored on validation is not known.
    validation = Statistic(
      results.filter { $0.external == nil }.map { $0.score($0.validation) },
      isHigherBetter: isHigherBetter)
    self.score = score
    seedNumbers = results.map(\.configuration.seed)
    scaled = results.first.flatMap { record in
      score.flatMap { scaledScore($0.mean, chance: chance, record.task.metric) }
    }
    scores = Scores.mean(results.filter { $0.status == .finished }.compactMap(\.testOverall))
    parameters = facts?.parameters
    stateBytes = facts?.stateBytes
    eigenvalues = facts.map { Self.eigenvalues($0.mixers) }
    flopsPerToken = facts?.flopsPerToken
    trainingTokens = Self.mean(results.map { Double($0.training.tokens) }.filter { $0 > 0 })
    learnability =
      selection == .validation ? Learnability(named.group, chosen: candidate) : nil
    self.segments = (0..<segments).compactMap { Self.segment($0, results) }
    self.bands = bands.map { Self.band($0, testedResults) }
    curve = CurveMean.curve(results)
    self.further = further.map { $0.map { Self.further($0, results) } }
    gaps = breakdowns.gaps(testedResults)
    reaches = breakdowns.reaches(self.bands, isHigherBetter: isHigherBetter)
    grids = breakdowns.means(testedResults)
    let times = results.compactMap { timings[$0.key] }
    tokensPerSecond = Self.median(times.map(\.tokensPerSecond))
    wallSeconds = Self.median(times.map(\.wallSeconds))
  }

  /// A metric beside the headline, over the seeds that finished; one that diverged counts as a
  /// guess where that has a value.
  private static func further(
    _ further: TaskFacts.Further, _ results: [CellRecord]
  ) -> Statistic? {
    let values = results.compactMap { record in
      record.status == .finished ? record.testOverall?.value(further.metric) : further.chance
    }
    return Statistic(
      values.filter(\.isFinite),
      isHigherBetter: Metric(rawValue: further.metric)?.isHigherBetter ?? true)
  }

  private static func segment(_ index: Int, _ results: [CellRecord]) -> Statistic? {
    // A diverged cell has no segments; any other cell of the setting knows their chance.
    let chance = results.first { index < $0.test.count }?.test[index].chance
    return Statistic(
      results.map { record in
        record.score(
          index < record.test.count ? record.test[index].scores : nil,
          chance: chance ?? record.task.chance)
      }, isHigherBetter: results.first?.task.isHigherBetter ?? true)
  }

  /// The score in a band, over the seeds whose test data has it; a diverged one counts as a guess.
  private static func band(_ band: BandChance, _ results: [TestedRecord]) -> Statistic? {
    let key = Band(slice: band.slice, span: band.band)
    guard results.contains(where: { $0.bands[key] != nil || $0.record.status == .diverged }) else {
      return nil
    }
    return Statistic(
      results.filter { $0.bands[key] != nil || $0.record.status != .finished }.map {
        $0.record.score($0.bands[key]?.scores, chance: band.chance)
      }, isHigherBetter: results.first?.record.task.isHigherBetter ?? true)
  }

  private static func eigenvalues(_ mixers: [ModelFacts.Mixer]) -> String {
    var texts: [String] = []
    for mixer in mixers where !mixer.eigenvalues.isEmpty && !texts.contains(mixer.eigenvalues) {
      texts.append(mixer.eigenvalues)
    }
    return texts.joined(separator: ", ")
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  private static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}

/// A score on the scale of its metric from chance (0) to perfect (1); nil where there is none.
func scaledScore(_ score: Double, chance: Double, _ metric: String) -> Double? {
  (Metric(rawValue: metric) ?? .tokenAccuracy).scaled(score, chance: chance)
}
