import Configuration

extension Comparison {
  /// The tables: one for all tasks where tasks are compared, else one for each task.
  var sections: [ReportSection] {
    switch axis {
    case .task: [ReportSection(nil, overview)]
    case .store: tasks.map { ReportSection(heading($0), storeTable($0)) }
    case .model, .architecture: tasks.map { ReportSection(heading($0), rowTable($0)) }
    }
  }

  private func heading(_ task: Task) -> String { "\(task.name) (\(metricHeading(task.metric)))" }

  /// What the tables' marks mean.
  var legend: [String] {
    var lines = [selection.warning].compactMap(\.self)
    let difference = "the mean over common seeds, with its 95% bootstrap interval"
    switch axis {
    case .task:
      lines.append(
        "Bold: the reference of the row (the best, where none was named); ~: the seeds do not "
          + "support a difference from it (the interval of \(difference), includes 0)")
    case .store:
      lines.append("Difference: \(difference); 'no': the seeds do not support one (0 is in it)")
    case .model, .architecture:
      lines.append(
        "Difference from the reference (the best of the task, where none was named): "
          + "\(difference); 'no': the seeds do not support one (0 is in it)")
    }
    if axis == .architecture {
      lines.append("Of each architecture the model that is best on validation")
    }
    return lines
  }

  // MARK: - Rows

  private func rowTable(_ task: Task) -> TextTable {
    let tuned = tunedNames(task)
    let showsStore = stores.count > 1
    let showsModel = axis == .architecture
    let showsRate = task.rows.contains { $0.tokensPerSecond != nil }
    let showsOperations = task.rows.contains { $0.flopsPerToken != nil }
    var table = TextTable([.init(axis.rawValue, .left)])
    if showsModel { table.columns.append(.init("model", .left)) }
    if showsStore { table.columns.append(.init("store", .left)) }
    table.columns += ["score", "difference", "supported", "seeds"].map { .init($0) }
    table.columns += tuned.map { .init($0) } + [.init("state"), .init("parameters")]
    if showsOperations { table.columns.append(.init("FLOPs per token")) }
    if showsRate { table.columns += [.init("tokens/s"), .init("time")] }
    let scorePlace = 1 + (showsModel ? 1 : 0) + (showsStore ? 1 : 0)
    addReferences(task, to: &table, at: [scorePlace])
    for row in task.rows {
      let isReference = row.names(axis) == [task.reference]
      var cells = [TextTable.Cell(row.names(axis).joined(separator: ", "))]
      if showsModel { cells.append(.init(row.model)) }
      if showsStore { cells.append(.init(row.stores.joined(separator: ", "))) }
      cells.append(.init(NumberText.score(row.score), isReference ? .strong : .plain))
      cells += differenceCells(row.difference, isReference: isReference)
      cells.append(.init(row.seeds))
      cells += tuned.map { name in
        let setting = row.chosen.first { $0.name == name }
        return .init(setting.map { NumberText.setting($0.value) } ?? "–")
      }
      cells.append(.init(row.stateBytes.map(NumberText.bytes) ?? "–"))
      cells.append(.init(row.parameters.map(NumberText.count) ?? "–"))
      if showsOperations { cells.append(.init(row.flopsPerToken.map(NumberText.rate) ?? "–")) }
      if showsRate {
        cells.append(.init(row.tokensPerSecond.map(NumberText.rate) ?? "–"))
        cells.append(.init(row.wallSeconds.map(NumberText.duration) ?? "–"))
      }
      table.add(cells)
    }
    return table
  }

  private func differenceCells(
    _ difference: PairedDifference?, isReference: Bool = false
  ) -> [TextTable.Cell] {
    guard let difference else { return [isReference ? "reference" : "–", ""] }
    return [.init(difference.text), .init(difference.isSupported ? "yes" : "no")]
  }

  /// The lines that are no models, with their scores in some of the columns.
  private func addReferences(_ task: Task, to table: inout TextTable, at places: [Int]) {
    var lines: [(name: String, value: Double)] = []
    if let chance = task.chance { lines.append(("chance", chance)) }
    lines += task.baselines.map { ($0.name, $0.value) }
    if let oracle = task.oracle { lines.append(("oracle", oracle)) }
    for (name, value) in lines {
      var cells = [TextTable.Cell](repeating: "", count: table.columns.count)
      cells[0] = .init(name, .faint)
      for place in places { cells[place] = .init(NumberText.score(value), .faint) }
      table.add(cells)
    }
  }

  private func tunedNames(_ task: Task) -> [String] {
    var names: [String] = []
    for setting in task.rows.flatMap(\.chosen) where !names.contains(setting.name) {
      names.append(setting.name)
    }
    return names
  }

  // MARK: - Stores

  private func storeTable(_ task: Task) -> TextTable {
    let reference = task.reference ?? stores.first ?? ""
    let others = stores.filter { $0 != reference }
    let shown = [reference] + others
    var table = TextTable([.init("model", .left)] + shown.map { .init($0) })
    table.columns += others.flatMap {
      [.init("\($0) less \(reference)"), TextTable.Column("supported")]
    }
    addReferences(task, to: &table, at: shown.indices.map { $0 + 1 })
    var models: [String] = []
    for row in task.rows where !models.contains(row.model) { models.append(row.model) }
    for model in models {
      func row(_ store: String) -> Row? {
        task.rows.first { $0.model == model && $0.stores == [store] }
      }
      table.add(
        [.init(model)] + shown.map { .init(NumberText.score(row($0)?.score)) }
          + others.flatMap { differenceCells(row($0)?.difference) })
    }
    return table
  }

  // MARK: - Tasks

  private var overview: TextTable {
    var models: [String] = []
    var known: Set<String> = []
    for row in tasks.flatMap(\.rows) where known.insert(row.model).inserted {
      models.append(row.model)
    }
    var table = TextTable(
      [.init("task", .left), .init("metric", .left)]
        + ["chance", "baseline", "oracle"].map { .init($0) } + models.map { .init($0) })
    for task in tasks {
      let lines = [task.chance, task.bestBaseline, task.oracle].map { value in
        TextTable.Cell(value.map { NumberText.score($0) } ?? "", .faint)
      }
      table.add(
        [.init(task.name), .init(metricHeading(task.metric))] + lines
          + models.map { model in
            guard let row = task.rows.first(where: { $0.model == model }), row.score != nil else {
              return "–"
            }
            let isUnsupported = row.difference.map { !$0.isSupported } ?? false
            return .init(
              NumberText.score(row.score) + (isUnsupported ? " ~" : ""),
              model == task.reference ? .strong : .plain)
          })
    }
    return table
  }
}

extension Comparison.Task {
  /// The score of the best solver without learning.
  fileprivate var bestBaseline: Double? {
    let isHigherBetter = Metric(rawValue: metric)?.isHigherBetter ?? true
    let values = baselines.map(\.value)
    return isHigherBetter ? values.max() : values.min()
  }
}

extension Comparison.Row {
  /// The number of seeds behind the score and how the others ended.
  fileprivate var seeds: String {
    var remarks: [String] = []
    if diverged > 0 { remarks.append("\(diverged) diverged") }
    if failed > 0 { remarks.append("\(failed) failed") }
    let total = finished + diverged
    return remarks.isEmpty ? "\(total)" : "\(total) (\(remarks.joined(separator: ", ")))"
  }
}

extension PairedDifference {
  /// The mean and the interval: "+0.120 [+0.050, +0.200]".
  var text: String {
    let mean = NumberText.signed(statistic.mean)
    guard let lower = statistic.lower, let upper = statistic.upper else { return mean }
    return "\(mean) [\(NumberText.signed(lower)), \(NumberText.signed(upper))]"
  }
}
