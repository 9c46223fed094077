import Configuration

/// Reads and checks the parts of a cell.
struct CellChecker: Sendable {
  let catalog: GridCatalog
  let baseline: ConfigNode

  func task(_ node: ConfigNode?) throws(GridError) -> TaskRequest {
    guard let node else { throw missing("task", "task: {name: mqar}") }
    return try TaskReader(node, catalog: catalog).request(check: catalog.checkTask)
  }

  func model(_ node: ConfigNode?) throws(GridError) -> ModelRequest {
    guard let node else { throw missing("model", "model: {mixer: attention}") }
    return try ModelReader(catalog: catalog).request(node)
  }

  func training(_ node: ConfigNode?) throws(GridError) -> TrainingRequest {
    try TrainingReader.request(node ?? ConfigNode(.mapping([]), at: baseline.position))
  }

  /// The complete model on a task, with its width solved for where the grid asks for that.
  func resolve(
    _ request: ModelRequest, on task: TaskConfiguration
  ) throws(GridError) -> ModelConfiguration {
    if let match = request.identity.match {
      return try WidthSolver(catalog: catalog, request: request, task: task).solve(match)
    }
    let model = ModelConfiguration(mixers: request.identity.mixers, settings: request.settings)
    do {
      try catalog.checkModel(model, task)
    } catch {
      throw GridError(
        request.places[error.setting], of: request.position, together: error)
    }
    return model
  }

  private func missing(_ part: String, _ example: String) -> GridError {
    GridError(
      baseline.position, "the baseline has no \(part)", help: "write '\(example)' in it")
  }

  /// Checks each word of the baseline alone, because axes may replace all of a part.
  ///
  /// - Parameter axes: The axes, which may name the task of a baseline without.
  /// - Throws: `GridError` for an unknown or wrong word.
  func checkWords(namedBy axes: [Axis]) throws(GridError) {
    let isNamedLater = axes.contains { $0.path.text == "task.name" }
    if let node = baseline["task"], !isNamedLater {
      _ = try TaskReader(node, catalog: catalog).request(check: nil)
    }
    if let node = baseline["model"] {
      _ = try ModelReader(catalog: catalog).request(node, isComplete: false)
    }
    if let node = baseline["training"] {
      _ = try TrainingReader.request(node, together: false)
    }
    if let node = baseline["seed"] { _ = try SeedList.seed(node) }
  }
}

// MARK: - Blame

extension CellChecker {
  /// Whether a task and a model are possible together.
  func isPossible(_ nodes: [CellPart: ConfigNode]) -> Bool {
    do {
      let task = try task(nodes[.task])
      _ = try resolve(try model(nodes[.model]), on: task.configuration)
      return true
    } catch {
      return false
    }
  }

  /// Whether a task and a training setting are possible together.
  func isTrainable(_ nodes: [CellPart: ConfigNode]) -> Bool {
    do {
      let task = try task(nodes[.task])
      try TrainingReader.check(try training(nodes[.training]).configuration, with: task)
      return true
    } catch {
      return false
    }
  }
}

extension ConfigLabel? {
  /// The label of a part that is asked for twice.
  ///
  /// - Throws: `GridError` where the same part is given two names.
  func merged(with other: ConfigLabel, _ kind: String) throws(GridError) -> ConfigLabel {
    guard let first = self else { return other }
    guard first.text == other.text else {
      throw GridError(
        other.position,
        "the labels '\(first.text)' and '\(other.text)' name the same \(kind)",
        help: "'\(first.text)' is given in \(first.position.short); remove one or change a setting")
    }
    return first
  }
}
