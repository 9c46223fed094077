import Configuration
import Records

extension Report {
  /// The scores of all models (rows) on all tasks (columns).
  ///
  /// The first rows are the chance line and the baselines. A score is strong where the seeds
  /// support that it is the task's best.
  func overview(throughput: Bool) -> TextTable {
    let showsRate =
      throughput && tasks.contains { $0.results.contains { $0.tokensPerSecond != nil } }
    var table = TextTable(
      [.init("model", .left)] + tasks.map { .init($0.heading) }
        + (showsRate ? [.init("tokens/s")] : []))
    let rest: [TextTable.Cell] = showsRate ? [""] : []
    table.add(
      [.init("chance", .faint)] + tasks.map { .init(NumberText.score($0.chance), .faint) } + rest)
    for name in baselineNames {
      table.add(
        [.init(name, .faint)]
          + tasks.map { task in
            let value = task.baselines.first { $0.name == name }?.value
            return .init(value == nil ? "" : NumberText.score(value), .faint)
          } + rest)
    }
    if tasks.contains(where: { $0.oracle != nil }) {
      table.add(
        [.init("oracle", .faint)]
          + tasks.map { .init($0.oracle.map { NumberText.score($0) } ?? "", .faint) } + rest)
    }
    for model in models {
      let rate = showsRate ? [TextTable.Cell(self.rate(of: model))] : []
      table.add([.init(model)] + tasks.map { $0.cell(of: model) } + rate)
    }
    return table
  }

  private var baselineNames: [String] {
    var names: [String] = []
    for baseline in tasks.flatMap(\.baselines) where !names.contains(baseline.name) {
      names.append(baseline.name)
    }
    return names
  }

  /// The median throughput over tasks.
  private func rate(of model: String) -> String {
    let rates = tasks.compactMap { $0.result(of: model)?.tokensPerSecond }.sorted()
    return rates.isEmpty ? "–" : NumberText.rate(rates[rates.count / 2])
  }
}

extension TaskReport {
  func result(of model: String) -> ModelResult? { results.first { $0.model == model } }

  /// The task's name, with its headline metric where that is no plain accuracy.
  fileprivate var heading: String {
    switch Metric(rawValue: metric) {
    case .tokenAccuracy, .exampleAccuracy, nil: name
    default: "\(name) (\(metricHeading(metric)))"
    }
  }

  /// A model's score, strong where the seeds support that it is the best; "–" where there is none.
  func cell(of model: String) -> TextTable.Cell {
    guard let result = result(of: model), result.score != nil else { return "–" }
    return .init(NumberText.score(result.score), supportedBest == model ? .strong : .plain)
  }

  /// The model whose interval lies above those of all others; nil where the seeds do not support
  /// that one model is best.
  var supportedBest: String? {
    let isHigherBetter = Metric(rawValue: metric)?.isHigherBetter ?? true
    // The worse and the better end of each interval, such that more is better.
    let scored = results.compactMap { result in
      result.score.map { score in
        let ends = isHigherBetter ? (score.lower, score.upper) : (score.upper, score.lower)
        let sign = isHigherBetter ? 1.0 : -1
        return (
          model: result.model, mean: sign * score.mean, worse: ends.0.map { sign * $0 },
          better: ends.1.map { sign * $0 }
        )
      }
    }
    guard scored.count > 1, let best = scored.max(by: { $0.mean < $1.mean }),
      let worse = best.worse
    else { return nil }
    let others = scored.filter { $0.model != best.model }
    let isSupported = others.allSatisfy { other in other.better.map { $0 < worse } ?? false }
    return isSupported ? best.model : nil
  }

  /// The names of the slices with more than one band.
  var sliceNames: [String] {
    var counts: [String: Int] = [:]
    for band in bands { counts[band.slice, default: 0] += 1 }
    let names = counts.filter { $0.value > 1 }.keys.sorted()
    return names.filter { $0 == "length" } + names.filter { $0 != "length" }
  }

  /// The scores of each model (rows) in each band of a slice (columns).
  func slices(_ name: String) -> TextTable {
    let places = bands.indices.filter { bands[$0].slice == name }
    var table = TextTable(
      [.init("model \\ \(name)", .left)] + places.map { .init(bands[$0].band.text) })
    table.add(
      [.init("chance", .faint)]
        + places.map { .init(NumberText.score(bands[$0].chance), .faint) })
    for baseline in baselineParts ?? [] {
      table.add(
        [.init(baseline.name, .faint)]
          + places.map { .init(NumberText.score(baseline.bands[$0]), .faint) })
    }
    addOracle(to: &table)
    for result in results {
      table.add([.init(result.model)] + places.map { .init(NumberText.score(result.bands[$0])) })
    }
    return table
  }

  /// The scores of each model (rows) in each test segment (columns).
  ///
  /// It is nil where there is one segment, and where the segments differ in nothing but slices of
  /// the task, which have tables of their own.
  var segmentTable: TextTable? {
    guard segments.count > 1, segments.contains(where: differsBeyondSlices) else { return nil }
    var table = TextTable(
      [.init("model \\ segment", .left)] + segments.map { .init($0.name) })
    table.add(
      [.init("chance", .faint)] + segments.map { .init(NumberText.score($0.chance), .faint) })
    for baseline in baselineParts ?? [] {
      table.add(
        [.init(baseline.name, .faint)]
          + baseline.segments.map { .init(NumberText.score($0), .faint) })
    }
    addOracle(to: &table)
    for result in results where result.segments.count == segments.count {
      table.add([.init(result.model)] + result.segments.map { .init(NumberText.score($0)) })
    }
    return table
  }

  /// Adds the exact solver's row, which has the same score in every column.
  private func addOracle(to table: inout TextTable) {
    guard let oracle else { return }
    let cell = TextTable.Cell(NumberText.score(oracle), .faint)
    table.add(
      [.init("oracle", .faint)]
        + [TextTable.Cell](repeating: cell, count: table.columns.count - 1))
  }

  /// Whether a segment's name ("length=64 ignore=0.8") has a setting that is no slice.
  private func differsBeyondSlices(_ segment: SegmentChance) -> Bool {
    let slices = Set(bands.map(\.slice))
    return segment.name.split(separator: " ").contains { part in
      !slices.contains(String(part.prefix { $0 != "=" }))
    }
  }
}

/// A metric's name with an arrow where less is better.
func metricHeading(_ metric: String) -> String {
  Metric(rawValue: metric)?.isHigherBetter == false ? metric + " ↓" : metric
}
