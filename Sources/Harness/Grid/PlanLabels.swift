import Configuration

/// The names of a plan's cells in tables.
struct PlanLabels {
  private let tasks: [String]
  private let models: [String]
  private let trainings: [String]

  /// Names the parts of a draft.
  ///
  /// - Parameters:
  ///   - draft: All cells of the grid.
  ///   - tuned: The paths whose values are chosen on validation; they distinguish no names.
  ///   - catalog: The declarations, which give the settings their order.
  /// - Throws: `GridError` where the grid gives one label to two tasks or models.
  init(_ draft: PlanDraft, tuned: [String], catalog: GridCatalog) throws(GridError) {
    tasks = try LabelMaker.labels(of: draft.tasks.map(Self.item), "task")
    var groups = Interned<ModelRequest.Identity, ModelRequest>()
    let groupOfModel = draft.models.map { model in
      groups.insert(model, for: model.identity.without(tuned)).index
    }
    let items = groups.values.map { Self.item($0, tuned: tuned, catalog) }
    let distinct = try LabelMaker.labels(of: items, "model")
    var names = distinct
    for (group, label) in Self.lonely(groups.values, draft, groupOfModel)
    where !distinct.contains(label) {
      names[group] = label
    }
    models = groupOfModel.map { names[$0] }
    trainings = Self.trainings(draft, groupOfModel, tuned: tuned)
  }

  func task(of cell: DraftCell) -> String { tasks[cell.task] }

  func model(of cell: DraftCell) -> String { models[cell.model] + trainings[cell.training] }
}

extension ModelRequest.Identity {
  fileprivate func without(_ tuned: [String]) -> Self {
    Self(
      mixers: mixers, settings: settings.filter { !tuned.contains("model.\($0.key)") }, match: match
    )
  }
}

// MARK: - Models that the task tells apart

extension PlanLabels {
  /// The groups of models whose given label needs nothing added, because no task has two of them:
  /// where depth or width goes with the task, a row of the tables is the same model on all tasks.
  private static func lonely(
    _ groups: [ModelRequest], _ draft: PlanDraft, _ groupOfModel: [Int]
  ) -> [Int: String] {
    var tasks = [Set<Int>](repeating: [], count: groups.count)
    for cell in draft.cells { tasks[groupOfModel[cell.model]].insert(cell.task) }
    let namesakes = Dictionary(grouping: groups.indices) { groups[$0].label?.text }
    var labels: [Int: String] = [:]
    for (label, members) in namesakes {
      guard let label else { continue }
      let all = members.reduce(into: Set<Int>()) { $0.formUnion(tasks[$1]) }
      guard all.count == members.reduce(0, { $0 + tasks[$1].count }) else { continue }
      for member in members { labels[member] = label }
    }
    return labels
  }
}

// MARK: - Items

extension PlanLabels {
  private static func item(_ task: TaskRequest) -> LabelMaker.Item {
    let configuration = task.configuration
    let splits = [configuration.train, configuration.validation, configuration.test]
    let fields = task.declared.map { setting in
      let values = splits.map { distinct($0.map { text($0.settings[setting.name]) }) }
      return field(setting, values)
    }
    let examples = splits.map { split in
      "examples=" + distinct(split.map { $0.examples.map(String.init) ?? "stream" })
    }
    return LabelMaker.Item(
      label: task.label, parts: [.init(name: configuration.name, fields: fields)],
      fields: [.init(texts: examples, bare: nil)])
  }

  private static func item(
    _ model: ModelRequest, tuned: [String], _ catalog: GridCatalog
  ) -> LabelMaker.Item {
    let parts = model.identity.mixers.map { mixer in
      let declared = catalog.mixers.first { $0.name == mixer.name }?.settings ?? []
      return LabelMaker.Part(
        name: mixer.name,
        fields: declared.map { field($0, [text(mixer.settings[$0.name])]) })
    }
    let settings = ModelConfiguration.declared.filter { !tuned.contains("model.\($0.name)") }
    let fields = settings.map { setting in
      if setting.name == "width" { return width(model) }
      let value = text(model.identity.settings[setting.name])
      return LabelMaker.Field(texts: ["\(setting.name)=\(value)"], bare: nil)
    }
    return LabelMaker.Item(label: model.label, parts: parts, fields: fields)
  }

  /// The width by its symbol in the literature, or the cost that it is solved for.
  private static func width(_ model: ModelRequest) -> LabelMaker.Field {
    let given = "d=" + text(model.identity.settings["width"])
    return LabelMaker.Field(texts: [model.identity.match?.description ?? given], bare: nil)
  }

  private static func field(_ setting: Setting, _ values: [String]) -> LabelMaker.Field {
    var bare: String?
    if case .choice = setting.kind, let value = values.first, value != "none" { bare = value }
    return LabelMaker.Field(texts: values.map { "\(setting.name)=\($0)" }, bare: bare)
  }

  /// The different texts in their order.
  private static func distinct(_ texts: [String]) -> String {
    var result: [String] = []
    for text in texts where !result.contains(text) { result.append(text) }
    return result.joined(separator: ",")
  }

  private static func text(_ value: SettingValue?) -> String {
    if case .range(let range) = value { return "\(range.lowerBound)..\(range.upperBound)" }
    return value?.description ?? ""
  }
}

// MARK: - Training

extension PlanLabels {
  /// What each training setting adds to the model's name: the settings that the grid compares for
  /// one and the same model on one and the same task.
  private static func trainings(
    _ draft: PlanDraft, _ groupOfModel: [Int], tuned: [String]
  ) -> [String] {
    let first = draft.trainings.map(\.settings)
    var representative: [[Int]: Int] = [:]
    var varying: Set<String> = []
    var seen: Set<[Int]> = []
    for cell in draft.cells {
      let row = [cell.task, groupOfModel[cell.model]]
      guard seen.insert(row + [cell.training]).inserted else { continue }
      let other = representative[row, default: cell.training]
      representative[row] = other
      for (name, value) in first[other] where first[cell.training][name] != value {
        varying.insert(name)
      }
    }
    let names = TrainingConfiguration.declared.map(\.name).filter {
      varying.contains($0) && !tuned.contains("training.\($0)")
    }
    return first.map { settings in
      names.map { " \($0)=\(text(settings[$0]))" }.joined()
    }
  }
}
