import Configuration

/// A grid: what to train, as one baseline cell and the axes that vary it.
///
/// ## A grid file
///
/// ```yaml
/// name: quick                     # a-z, 0-9 and '-'
/// description: Recall and state tracking in a minute.
/// baseline:
///   task:
///     name: mqar                  # `task: mqar` is the short form
///     length: 64                  # settings of the task, for all splits
///     train: {examples: 20000}    # without examples: a stream in which none returns
///     validation: {examples: 512} # 1000 where left out
///     test:                       # a list has several segments
///       - {length: 64, examples: 1000}
///       - {length: 128, examples: 1000}
///   model:
///     mixer: attention            # or {name: delta-net, eigenvalues: signed}, or a list of
///                                 # mixers: the pattern that repeats over the layers
///     width: 64
///   training: {steps: 1000, batch: 64}
///   seed: 0
/// product:                        # every combination of the values
///   model:
///     - {mixer: attention}
///     - {mixer: {name: delta-net, eigenvalues: signed}, label: DeltaNet ±}
///   seed: [0, 1, 2]
/// tune:                           # chosen on validation, not compared
///   training.learningRate: [1e-3, 3e-3]
/// ```
///
/// Everything but `name` and `baseline` may be left out; settings that are not given have their
/// defaults. A split that is not given is one segment of the task's settings: a stream for
/// training, 1000 examples for validation and test. A range is written `{from: 3, to: 40}`. Whole
/// numbers may be written `1e6` or `1_000_000`. Anchors, aliases, merge keys, tags and second
/// documents are refused.
///
/// ## Axes
///
/// The key of an axis is a dotted path, and its value is the list of what the path takes in turn.
///
/// - `product`: every combination.
/// - `each`: one factor at a time around the baseline, and the baseline once.
/// - `zip`: axes that move together; all have the same number of values.
/// - `tune`: as `product`, but the best value is chosen on validation for each task and model. Only
///   single settings of `training` and `model` can be tuned.
///
/// The four sections combine by product. Paths are `task`, `model`, `training` and `seed`, and
/// whatever is inside them: `task.length`, `task.train.examples`, `model.mixer.heads`,
/// `training.steps`. A path cannot go into a list. No setting can be in two axes.
///
/// ## How values are merged
///
/// An object with a `name` (a task, a mixer) replaces the baseline's; one without is merged over
/// it, key by key. A task that replaces one with a split (`train`, `validation`, `test`) gives that
/// split too. Texts, numbers, ranges and lists replace. A bare text for `task` or `mixer` is
/// a name. Coarse paths are applied before the finer ones inside them, and `--set` last.
///
/// ## Match
///
/// `match: {stateBytes: 32768}` or `match: {parameters: 200000}` in a model asks for a cost instead
/// of a width: the nearest width that is a multiple of the number of heads is found for each task,
/// and refused where it misses the target by more than a quarter. `match` and `width` exclude each
/// other; of the baseline, an axis and `--set`, the later one decides.
///
/// ## Labels
///
/// Tables call a task or model by its `label`, or by its name and those settings in which it
/// differs from others of that name: `mqar length=64`, `delta-net signed d=128`. A label given to
/// an object that further axes vary is completed in the same way. Training settings that the grid
/// compares follow the model's name. Equal cells are planned once.
public struct Grid: Sendable {
  public let name: String
  public let description: String
  let baseline: ConfigNode
  let axes: [Axis]

  init(name: String, description: String, baseline: ConfigNode, axes: [Axis]) {
    self.name = name
    self.description = description
    self.baseline = baseline
    self.axes = axes
  }

  /// Reads a grid from the text of a file.
  ///
  /// - Parameters:
  ///   - text: The whole text.
  ///   - file: The file's name for messages.
  /// - Throws: `GridError` for whatever is wrong without knowing tasks and mixers.
  public init(text: String, file: String) throws(GridError) {
    self = try GridReader(file: file).grid(text)
  }

  /// Reads a grid from the bytes of a file.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - file: The file's name for messages.
  /// - Throws: `GridError` where the bytes are not UTF-8 or the text is not a grid.
  public init(bytes: [UInt8], file: String) throws(GridError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
      throw GridError(
        SourcePosition(file, line: index + 1, column: 1), "this line is not UTF-8",
        help: "save the file as UTF-8")
    }
    try self.init(text: text, file: file)
  }
}

extension Grid {
  /// Expands the grid into checked cells.
  ///
  /// - Parameters:
  ///   - catalog: The tasks and mixers that the grid may ask for.
  ///   - options: What the command line changes.
  /// - Returns: The plan, with the cells that `options` select.
  /// - Throws: `GridError` for the first fault in any cell, before anything runs.
  public func plan(
    catalog: GridCatalog, options: GridOptions = GridOptions()
  ) throws(GridError) -> Plan {
    let overrides = try options.assignments()
    let seeds = try options.seedNodes()
    let factors = Factor.all(of: axes, seeds: seeds)
    var filters: [CellFilter] = []
    for text in options.only { filters.append(try CellFilter(text)) }
    try CellChecker(catalog: catalog, baseline: baseline).checkWords(namedBy: axes)
    let builder = PartBuilder(
      baseline: baseline, factors: factors,
      overrides: seeds == nil ? overrides : overrides.filter { $0.path.part != .seed })
    var planner = Planner(builder: builder, catalog: catalog)
    let draft = try planner.draft()
    let tuned = tunedPaths(without: overrides)
    let labels = try PlanLabels(draft, tuned: tuned, catalog: catalog)
    let cells = draft.cells(tuned: tuned, labels: labels)
    return Plan(
      name: name, description: description, cells: try CellFilter.select(cells, filters),
      tunedPaths: tuned)
  }

  /// The tuned paths but those that the command line fixes.
  private func tunedPaths(without overrides: [Assignment]) -> [String] {
    axes.filter { axis in
      axis.section == .tune && !overrides.contains { axis.path.isInside($0.path.target) }
    }.map(\.path.text)
  }
}

extension PlanDraft {
  fileprivate func cells(tuned: [String], labels: PlanLabels) -> [PlannedCell] {
    zip(cells, configurations).map { cell, model in
      PlannedCell(
        configuration: CellConfiguration(
          task: tasks[cell.task].configuration, model: model,
          training: trainings[cell.training].configuration, seed: cell.seed),
        taskLabel: labels.task(of: cell), modelLabel: labels.model(of: cell), tuned: tuned,
        match: models[cell.model].identity.match)
    }
  }
}
