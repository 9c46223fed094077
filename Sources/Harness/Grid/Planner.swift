import Configuration

/// A cell by the numbers of its parts.
struct DraftCell: Sendable, Hashable {
  let task: Int
  let model: Int
  let training: Int
  let seed: Int

  /// The place of the cell in the plan, given that of its seed.
  fileprivate func rank(_ seedIndex: Int) -> (Int, Int, Int, Int) {
    (task, model, training, seedIndex)
  }
}

/// The cells of a grid and their parts, before they are named.
struct PlanDraft: Sendable {
  let tasks: [TaskRequest]
  let models: [ModelRequest]
  let trainings: [TrainingRequest]
  let cells: [DraftCell]
  /// The models of the cells, with solved widths.
  let configurations: [ModelConfiguration]
}

/// Expands a grid into its cells.
///
/// Every cell is a choice of one option of each factor. The parts of a cell are merged and checked
/// once for each choice that touches them, not once for each cell.
struct Planner {
  static let maximumCells = 100_000

  private let checker: CellChecker
  private let builder: PartBuilder
  private var tasks = Interned<TaskConfiguration, TaskRequest>()
  private var models = Interned<ModelRequest.Identity, ModelRequest>()
  private var trainings = Interned<TrainingConfiguration, TrainingRequest>()
  private var numbers: [CellPart: [Int: Int]] = [:]
  private var configurations: [Pair: ModelConfiguration] = [:]
  private var checkedTrainings: Set<Pair> = []

  /// Two parts of a cell that have been checked together.
  private struct Pair: Hashable {
    let task: Int
    let other: Int
  }

  init(builder: PartBuilder, catalog: GridCatalog) {
    self.builder = builder
    checker = CellChecker(catalog: catalog, baseline: builder.baseline)
  }

  /// All different cells, in the order of the plan.
  mutating func draft() throws(GridError) -> PlanDraft {
    try checkCount()
    var seeds = Interned<Int, Int>()
    var order: [DraftCell: Int] = [:]
    var choice = Choice(of: builder.factors)
    repeat {
      let cell = try cell(of: choice)
      if order[cell] == nil { order[cell] = seeds.insert(cell.seed, for: cell.seed).index }
    } while choice.advance()
    let cells = order.sorted { $0.key.rank($0.value) < $1.key.rank($1.value) }.map(\.key)
    return PlanDraft(
      tasks: tasks.values, models: models.values, trainings: trainings.values, cells: cells,
      configurations: cells.compactMap { configurations[Pair(task: $0.task, other: $0.model)] })
  }

  private func checkCount() throws(GridError) {
    var count = 1
    for factor in builder.factors {
      let (product, overflow) = count.multipliedReportingOverflow(by: factor.options.count)
      count = overflow ? .max : product
    }
    guard count > Self.maximumCells else { return }
    let widest = builder.factors.max { $0.options.count < $1.options.count }
    let position = widest?.options.last?.first?.path.position ?? builder.baseline.position
    throw GridError(
      position, "the grid has \(count == .max ? "too many" : String(count)) cells",
      help: "at most \(Self.maximumCells) are planned")
  }
}

// MARK: - Parts

extension Planner {
  private mutating func cell(of choice: Choice) throws(GridError) -> DraftCell {
    let task = try number(.task, choice) { planner throws(GridError) in
      try planner.addTask(choice)
    }
    let model = try number(.model, choice) { planner throws(GridError) in
      try planner.addModel(choice)
    }
    let training = try number(.training, choice) { planner throws(GridError) in
      try planner.addTraining(choice)
    }
    let seed = try number(.seed, choice) { planner throws(GridError) in
      try planner.builder.node(.seed, of: choice).map(SeedList.seed) ?? 0
    }
    try resolveModel(task, model, choice)
    try checkTraining(task, training, choice)
    return DraftCell(task: task, model: model, training: training, seed: seed)
  }

  /// The number of a part, made once for each choice that touches the part.
  private mutating func number(
    _ part: CellPart, _ choice: Choice, make: (inout Planner) throws(GridError) -> Int
  ) throws(GridError) -> Int {
    let key = builder.key(of: choice, for: part)
    if let number = numbers[part]?[key] { return number }
    let number = try make(&self)
    numbers[part, default: [:]][key] = number
    return number
  }

  private mutating func addTask(_ choice: Choice) throws(GridError) -> Int {
    let node = try builder.node(.task, of: choice)
    do {
      let request = try checker.task(node)
      let (index, isNew) = tasks.insert(request, for: request.configuration)
      if !isNew, let label = request.label {
        let merged = try tasks.values[index].label.merged(with: label, "task")
        tasks.replace(index, by: tasks.values[index].labelled(merged))
      }
      return index
    } catch {
      throw builder.blame(error, [.task], choice) { (try? checker.task($0[.task])) != nil }
    }
  }

  private mutating func addModel(_ choice: Choice) throws(GridError) -> Int {
    let node = try builder.node(.model, of: choice)
    do {
      let request = try checker.model(node)
      let (index, isNew) = models.insert(request, for: request.identity)
      if !isNew, let label = request.label {
        let merged = try models.values[index].label.merged(with: label, "model")
        models.replace(index, by: models.values[index].labelled(merged))
      }
      return index
    } catch {
      throw builder.blame(error, [.model], choice) { (try? checker.model($0[.model])) != nil }
    }
  }

  private mutating func addTraining(_ choice: Choice) throws(GridError) -> Int {
    let node = try builder.node(.training, of: choice)
    do {
      let training = try checker.training(node)
      return trainings.insert(training, for: training.configuration).index
    } catch {
      throw builder.blame(error, [.training], choice) {
        (try? checker.training($0[.training])) != nil
      }
    }
  }
}

// MARK: - Parts together

extension Planner {
  private mutating func resolveModel(
    _ task: Int, _ model: Int, _ choice: Choice
  ) throws(GridError) {
    let pair = Pair(task: task, other: model)
    guard configurations[pair] == nil else { return }
    do {
      // The request is read again because the numbered one may stand elsewhere in the file.
      let request = try checker.model(builder.node(.model, of: choice))
      configurations[pair] = try checker.resolve(request, on: tasks.values[task].configuration)
    } catch {
      throw builder.blame(error, [.task, .model], choice) { checker.isPossible($0) }
    }
  }

  private mutating func checkTraining(
    _ task: Int, _ training: Int, _ choice: Choice
  ) throws(GridError) {
    guard checkedTrainings.insert(Pair(task: task, other: training)).inserted else { return }
    do {
      let request = try checker.task(builder.node(.task, of: choice))
      try TrainingReader.check(trainings.values[training].configuration, with: request)
    } catch {
      throw builder.blame(error, [.task, .training], choice) { checker.isTrainable($0) }
    }
  }
}
