import Configuration
public import Records

extension Report {
  /// Makes the report of some records.
  ///
  /// The tuned setting of each model is chosen by the mean validation score over seeds; test
  /// scores are looked at only for that choice. A diverged cell is a result and counts as a
  /// guess (the chance line), in the choice and in the scores; a failed or missing one counts
  /// nowhere and is listed.
  ///
  /// - Parameters:
  ///   - records: The records, in any order.
  ///   - timings: The timings by key; without them the report has no throughput.
  ///   - grid: The plan, for the order of tasks and models and for what is missing.
  ///   - selection: How the setting of each row is chosen; otherwise than on validation only for
  ///     comparing with published figures.
  /// - Returns: The report; equal records give an equal report.
  public static func make(
    records: [CellRecord], timings: [String: CellTiming] = [:], grid: GridManifest? = nil,
    selection: Selection = .validation
  ) -> Report {
    let current = Self.current(records, grid).sorted { $0.key < $1.key }
    let named = NamedGroup.all(current, order: LabelOrder(grid), selection)
    let gaps = Self.gaps(grid, found: Set(records.map(\.key)))
    var models: [String] = []
    var tasks: [String] = []
    for group in named {
      if !models.contains(group.names.model) { models.append(group.names.model) }
      if !tasks.contains(group.names.task) { tasks.append(group.names.task) }
    }
    // A model of the plan without any record has a row too.
    let known = Set(models + named.map(\.group.labels.model))
    models += LabelOrder(grid).models.filter { !known.contains($0) }
    let rank = Dictionary(uniqueKeysWithValues: models.enumerated().map { ($1, $0) })
    let series = SeriesNames(named)
    let byTask = Dictionary(grouping: named, by: \.names.task)
    return Report(
      name: (grid?.name ?? "results") + selection.suffix, description: grid?.description ?? "",
      selection: selection, models: models,
      tasks: tasks.map { task in
        let groups = (byTask[task] ?? []).sorted {
          (rank[$0.names.model] ?? 0) < (rank[$1.names.model] ?? 0)
        }
        return TaskReport(task, groups, series: series, timings: timings, selection)
      },
      gaps: gaps, unfinished: named.flatMap(\.unfinished))
  }

  /// The records without those of an earlier plan, under the names that the present one has for them.
  ///
  /// What is left out are cells of a task and model that the plan has, but which are not in the plan.
  /// Models that the plan does not know are kept: they were trained elsewhere.
  ///
  /// A cell may have been trained for an earlier form of the grid, with another label or before it
  /// was an axis that is tuned. Neither has a part in its numbers or its key, so the record stays as
  /// it is; but a row must not fall apart, or keep a label that was corrected.
  static func current(_ records: [CellRecord], _ grid: GridManifest?) -> [CellRecord] {
    guard let grid else { return records }
    let planned = Dictionary(
      grid.cells.map { ($0.key, $0.labels) }, uniquingKeysWith: { first, _ in first })
    let labels = Set(planned.values)
    return records.compactMap { record in
      guard let name = planned[record.key] else {
        return labels.contains(record.labels) ? nil : record
      }
      var record = record
      record.labels = name
      record.tuned = grid.tuned
      return record
    }
  }

  private static func gaps(_ grid: GridManifest?, found: Set<String>) -> [Gap] {
    var order: [CellLabels] = []
    var missing: [CellLabels: Int] = [:]
    for cell in grid?.cells ?? [] where !found.contains(cell.key) {
      if missing[cell.labels] == nil { order.append(cell.labels) }
      missing[cell.labels, default: 0] += 1
    }
    return order.map { Gap(task: $0.task, model: $0.model, missing: missing[$0] ?? 0) }
  }
}

/// The labels in the order of the plan.
struct LabelOrder {
  private(set) var tasks: [String] = []
  private(set) var models: [String] = []

  init(_ grid: GridManifest?) { self.init(grid?.cells ?? []) }

  init(_ cells: [GridManifest.Cell]) {
    var known: Set<String> = []
    for cell in cells {
      if known.insert("task " + cell.labels.task).inserted { tasks.append(cell.labels.task) }
      if known.insert("model " + cell.labels.model).inserted { models.append(cell.labels.model) }
    }
  }

  /// Each label's place; labels that are not in the plan come last.
  static func places(_ labels: [String]) -> (String) -> Int {
    let places = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
    return { places[$0] ?? .max }
  }
}

/// A group with the names of its row and column, and the candidate that stands for it.
struct NamedGroup {
  let group: Group
  let names: GroupNames
  let chosen: Candidate?

  /// The groups of some records in the order of the report.
  ///
  /// - Parameters:
  ///   - records: The records.
  ///   - order: The order of the tasks and models.
  ///   - selection: How the setting of each group is chosen.
  ///   - tests: What tells tests apart that the records and others have under one label; nil where
  ///     there are no others.
  /// - Returns: The groups with their names.
  static func all(
    _ records: [CellRecord], order: LabelOrder, _ selection: Selection = .validation,
    tests: TestPaths? = nil
  ) -> [NamedGroup] {
    let groups = Group.gather(records)
    let names = Group.names(groups, tests: tests ?? TestPaths(groups))
    let named = zip(groups, names).map {
      NamedGroup(group: $0, names: $1, chosen: $0.chosen(selection))
    }
    let taskPlace = LabelOrder.places(order.tasks)
    let modelPlace = LabelOrder.places(order.models)
    return named.sorted { first, second in
      let tasks = (taskPlace(first.group.labels.task), taskPlace(second.group.labels.task))
      if tasks.0 != tasks.1 { return tasks.0 < tasks.1 }
      if first.names.task != second.names.task {
        return naturallyPrecedes(first.names.task, second.names.task)
      }
      let models = (modelPlace(first.group.labels.model), modelPlace(second.group.labels.model))
      if models.0 != models.1 { return models.0 < models.1 }
      return naturallyPrecedes(first.names.model, second.names.model)
    }
  }

  /// The cells that have no score of their own.
  var unfinished: [Report.Unfinished] {
    group.candidates.flatMap { candidate in
      candidate.records.filter { $0.status != .finished }.map { record in
        Report.Unfinished(
          key: record.key, task: names.task, model: names.model,
          seed: record.configuration.seed, tuned: candidate.tuned, status: record.status,
          reason: record.reason ?? "")
      }
    }
  }
}

/// The order of names for people: "d=8" before "d=16".
func naturallyPrecedes(_ first: String, _ second: String) -> Bool {
  let a = nameParts(first)
  let b = nameParts(second)
  return a == b ? first < second : settingsPrecede(a, b)
}

private func nameParts(_ name: String) -> [String] {
  var parts: [String] = []
  var wasDigit = false
  for character in name {
    let isDigit = ("0"..."9").contains(character)
    if isDigit == wasDigit, let last = parts.popLast() {
      parts.append(last + String(character))
    } else {
      parts.append(String(character))
    }
    wasDigit = isDigit
  }
  return parts
}
