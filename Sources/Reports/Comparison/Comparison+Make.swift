public import Configuration
import Platform
import Records

/// Why stores cannot be compared as was asked for.
public struct ComparisonError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
}

extension Comparison {
  /// Compares the results of stores.
  ///
  /// - Parameters:
  ///   - stores: The stores; of cells that several have, the first one's are used.
  ///   - axis: What is compared.
  ///   - metric: The metric; each task's headline metric otherwise. Settings are always chosen by
  ///     the headline.
  ///   - baseline: What all others are compared with; otherwise the best of each task, or the
  ///     first store.
  ///   - selection: How the setting of each row is chosen.
  /// - Returns: The comparison.
  /// - Throws: `ComparisonError` where there is no such baseline or no score by the metric.
  public static func make(
    _ stores: [ComparedStore], by axis: Axis, metric: Metric? = nil, baseline: String? = nil,
    selection: Selection = .validation
  ) throws(ComparisonError) -> Comparison {
    let pooled = PooledRecords(stores)
    let scoring = Scoring(metric: metric)
    let entries =
      axis == .store ? Entry.all(eachOf: stores, selection) : Entry.all(pooled, selection)
    let order = Entry.order(entries, pooled.order)
    let tasks = order.tasks.map { task in
      let members = entries.filter { $0.task == task }
      let shown = axis == .architecture ? Entry.bestOfEachArchitecture(members) : members
      return Task(
        task, shown, axis, scoring, models: order.models,
        baseline: baseline ?? (axis == .store ? stores.first?.name : nil))
    }
    let comparison = Comparison(
      axis: axis, selection: selection, stores: stores.map(\.name), tasks: tasks,
      duplicates: pooled.duplicates, conflicts: pooled.conflicts)
    try comparison.check(metric: metric, baseline: baseline)
    return comparison
  }

  private func check(metric: Metric?, baseline: String?) throws(ComparisonError) {
    let rows = tasks.flatMap(\.rows)
    if let metric, !rows.isEmpty, rows.allSatisfy({ $0.score == nil }) {
      throw ComparisonError(description: "no cell of these stores has the metric '\(metric)'")
    }
    guard let baseline, tasks.allSatisfy({ $0.reference == nil }) else { return }
    var names: [String] = []
    for name in rows.flatMap({ $0.names(axis) }) where !names.contains(name) { names.append(name) }
    throw ComparisonError(
      description: "there is no \(axis == .task ? Axis.model : axis) '\(baseline)' to compare "
        + "with; there are: " + names.joined(separator: ", "))
  }
}

extension Comparison.Row {
  /// What the row is called in a comparison.
  func names(_ axis: Comparison.Axis) -> [String] {
    switch axis {
    case .model, .task: [model]
    case .architecture: [architecture]
    case .store: stores
    }
  }
}

/// How cells are scored: by each task's headline metric, or by one metric for all.
struct Scoring {
  let metric: Metric?

  func name(_ facts: TaskFacts) -> String { metric?.rawValue ?? facts.metric }

  /// What a guess scores; of the cross-entropy, what equal probabilities of all tokens have.
  func chance(_ facts: TaskFacts) -> Double? {
    guard let metric, metric.rawValue != facts.metric else { return facts.chance }
    if metric == .loss, facts.vocabulary > 0 {
      return Mathematics.logarithm(Double(facts.vocabulary))
    }
    return facts.further?.first { $0.metric == metric.rawValue }?.chance
  }

  /// The cell's test score; nil where it has none, and nothing to guess by either.
  ///
  /// Of a model that was trained elsewhere, a cross-entropy that is no number is not known.
  func value(_ record: CellRecord) -> Double? {
    let score = record.testOverall?.value(name(record.task))
    if record.status == .finished, let score, !score.isNaN { return score }
    if record.external != nil, metric != nil { return nil }
    if record.status == .finished, score == nil, metric != nil { return nil }
    return record.status == .failed ? nil : chance(record.task)
  }
}

extension Comparison.Task {
  init(
    _ name: String, _ entries: [Entry], _ axis: Comparison.Axis, _ scoring: Scoring,
    models: [String], baseline: String?
  ) {
    let records = entries.flatMap(\.named.group.records)
    let facts = records.first?.task
    let metric = facts.map(scoring.name) ?? ""
    let kind = Metric(rawValue: metric)
    let isHigherBetter = kind?.isHigherBetter ?? true
    self.name = name
    self.metric = metric
    chance = ChanceMeans(records).overall(scoring.chance)
    oracle = kind?.perfect
    let means = facts.map { BaselineMeans(records).overall($0) } ?? []
    baselines = means.compactMap { baseline in
      let value = scoring.metric == nil ? baseline.value : baseline.scores?.value(metric)
      return value.map { Comparison.BaselineScore(name: baseline.name, value: $0) }
    }
    let places = LabelOrder.places(models)
    let ordered = entries.enumerated().sorted {
      (places($0.element.model), $0.offset) < (places($1.element.model), $1.offset)
    }.map(\.element)
    var rows = ordered.map { $0.row(scoring, isHigherBetter: isHigherBetter) }
    let reference = baseline ?? Self.best(rows, axis, isHigherBetter: isHigherBetter)
    let isThere = rows.contains { $0.names(axis) == [reference] && $0.score != nil }
    self.reference = isThere ? reference : nil
    for place in rows.indices {
      rows[place].difference = reference.flatMap { rows[place].difference(to: $0, in: rows, axis) }
    }
    self.rows = rows
  }

  private static func best(
    _ rows: [Comparison.Row], _ axis: Comparison.Axis, isHigherBetter: Bool
  ) -> String? {
    var best: (name: String?, mean: Double)?
    for row in rows {
      guard let mean = row.score?.mean else { continue }
      if let best, isHigherBetter ? best.mean >= mean : best.mean <= mean { continue }
      best = (row.names(axis).first, mean)
    }
    return best?.name
  }
}

extension Comparison.Row {
  /// The difference to the row of the reference; where stores are compared, of the same model.
  fileprivate func difference(
    to reference: String, in rows: [Comparison.Row], _ axis: Comparison.Axis
  ) -> PairedDifference? {
    guard names(axis) != [reference] else { return nil }
    let other = rows.first {
      $0.names(axis) == [reference] && (axis != .store || $0.model == model)
    }
    return other.flatMap {
      PairedDifference(valuesBySeed, less: $0.valuesBySeed, named: reference)
    }
  }

  private var valuesBySeed: [Int: Double] {
    Dictionary(zip(seedNumbers, score?.values ?? []), uniquingKeysWith: { first, _ in first })
  }
}
