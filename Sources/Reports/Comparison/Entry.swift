import Configuration
import Records

/// A model on a task, before it is scored.
struct Entry {
  let named: NamedGroup
  /// The stores of its cells.
  let stores: [String]
  let timings: [String: CellTiming]
  /// The number of models that it was chosen from.
  var models: Int?

  var task: String { named.names.task }
  var model: String { named.names.model }

  /// The names of the model's mixers, each once; of a model trained elsewhere its own name.
  ///
  /// Nothing is known of the mixers of those, and no validation score by which one could stand for
  /// all.
  var architecture: String {
    if named.group.records.contains(where: { $0.external != nil }) { return model }
    var names: [String] = []
    let mixers = named.group.records.first?.configuration.model.mixers ?? []
    for mixer in mixers where !names.contains(mixer.name) { names.append(mixer.name) }
    return names.isEmpty ? model : names.joined(separator: " + ")
  }

  /// The entries of each store by itself; tasks of one name have the same test in all of them.
  static func all(eachOf stores: [ComparedStore], _ selection: Selection) -> [Entry] {
    let tests = TestPaths(Group.gather(stores.flatMap(\.records)))
    return stores.flatMap { store in
      let order = LabelOrder(store.grid?.cells ?? [])
      return NamedGroup.all(store.records, order: order, selection, tests: tests).map {
        Entry(named: $0, stores: [store.name], timings: store.timings)
      }
    }
  }

  /// The entries of several stores together.
  static func all(_ pooled: PooledRecords, _ selection: Selection) -> [Entry] {
    NamedGroup.all(pooled.records, order: pooled.order, selection).map { named in
      var stores: [String] = []
      for record in named.group.records {
        if let store = pooled.origins[record.key], !stores.contains(store) { stores.append(store) }
      }
      return Entry(named: named, stores: stores.sorted(), timings: pooled.timings)
    }
  }

  /// The tasks and models in the order of the plan and, beyond it, of the entries.
  static func order(_ entries: [Entry], _ plan: LabelOrder) -> (tasks: [String], models: [String]) {
    var tasks: [String] = []
    var models: [String] = []
    var known: Set<String> = []
    for entry in entries {
      if known.insert("task " + entry.task).inserted { tasks.append(entry.task) }
      if known.insert("model " + entry.model).inserted { models.append(entry.model) }
    }
    let place = LabelOrder.places(plan.models)
    let sorted = models.enumerated().sorted {
      (place($0.element), $0.offset) < (place($1.element), $1.offset)
    }
    return (tasks, sorted.map(\.element))
  }

  /// Of each architecture the model with the best validation score.
  static func bestOfEachArchitecture(_ entries: [Entry]) -> [Entry] {
    var order: [String] = []
    var best: [String: (entry: Entry, merit: Double)] = [:]
    var counts: [String: Int] = [:]
    for entry in entries {
      let name = entry.architecture
      counts[name, default: 0] += 1
      if counts[name] == 1 { order.append(name) }
      let merit = entry.merit
      if let known = best[name], known.merit >= merit { continue }
      best[name] = (entry, merit)
    }
    return order.compactMap { name in
      var entry = best[name]?.entry
      entry?.models = counts[name]
      return entry
    }
  }

  /// The validation score such that more is better.
  private var merit: Double {
    guard let candidate = named.chosen, let score = candidate.validation,
      let facts = candidate.records.first?.task
    else { return -.infinity }
    return facts.isHigherBetter ? score : -score
  }

  func row(_ scoring: Scoring, isHigherBetter: Bool) -> Comparison.Row {
    let candidate = named.chosen ?? named.group.candidates[0]
    let scored = candidate.results.compactMap { record in
      scoring.value(record).map { (seed: record.configuration.seed, value: $0) }
    }
    let facts = candidate.records.first { $0.model != nil }?.model
    let times = candidate.results.compactMap { timings[$0.key] }
    return Comparison.Row(
      model: model, architecture: architecture, models: models, stores: stores,
      score: Statistic(scored.map(\.value), isHigherBetter: isHigherBetter),
      seedNumbers: scored.map(\.seed),
      finished: candidate.records.count { $0.status == .finished },
      diverged: candidate.records.count { $0.status == .diverged },
      failed: candidate.records.count { $0.status == .failed }, chosen: candidate.tuned,
      candidates: named.group.candidates.count, parameters: facts?.parameters,
      stateBytes: facts?.stateBytes, flopsPerToken: facts?.flopsPerToken,
      tokensPerSecond: Self.median(times.map(\.tokensPerSecond)),
      wallSeconds: Self.median(times.map(\.wallSeconds)))
  }

  private static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}
