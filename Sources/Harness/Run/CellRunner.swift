import Architectures
import Autograd
import CPUBackend
import Configuration
import Platform
import Records
import TaskGenerators
import Training

/// The program's version, and that of everything that produces numbers apart from the tasks and
/// mixers, which have versions of their own.
public enum ProgramVersion {
  public static let text = "0.1.0"
  /// Raised whenever equal configurations give other numbers than before.
  public static let numbers = "1"
}

/// Trains one planned cell and makes its record.
struct CellRunner: Sendable {
  let registries: Registries
  let jobs: Int
  let cpuLevel: String?

  /// The versions of all that determines a configuration's numbers.
  func versions(of configuration: CellConfiguration) throws(SettingError) -> CellVersions {
    var mixers: [String: Int] = [:]
    for mixer in configuration.model.mixers {
      mixers[mixer.name] = try registries.mixers.type(named: mixer.name).info.version
    }
    let task = try registries.tasks.type(named: configuration.task.name).info.version
    return CellVersions(program: ProgramVersion.numbers, task: task, mixers: mixers)
  }

  /// The name of a cell in a store.
  func key(of configuration: CellConfiguration) throws(SettingError) -> String {
    CellKey.make(configuration: configuration, versions: try versions(of: configuration))
  }

  /// Trains the cell; nil where it was interrupted.
  ///
  /// What goes wrong inside becomes a record with status `failed`: a bad cell never takes the grid
  /// down.
  func run(
    _ cell: PlannedCell, key: String, interrupted: () -> Bool,
    watch: (TrainingEvent) -> Void
  ) throws(SettingError) -> (record: CellRecord, timing: CellTiming)? {
    let start = MonotonicClock.seconds
    let startedAt = WallClock.now
    let facts = try taskFacts(cell.configuration)
    var record = CellRecord(
      key: key, labels: CellLabels(task: cell.taskLabel, model: cell.modelLabel),
      configuration: cell.configuration, tuned: cell.tuned,
      versions: try versions(of: cell.configuration), status: .failed, task: facts.facts,
      model: nil, training: TrainingFacts())
    var outcome = TrainingOutcome(status: .finished)
    var level = ""
    do {
      let backend = try CPUBackend(level: cpuLevel)
      level = backend.name
      record.model = try modelFacts(cell.configuration)
      let trainer = try Trainer(
        try job(cell.configuration), registry: registries.mixers, on: backend)
      outcome = trainer.run(interrupted: interrupted, watch: watch)
      if outcome.status == .interrupted { return nil }
      fill(&record, from: outcome, facts: facts)
    } catch {
      record.reason = "\(error)"
    }
    let wall = MonotonicClock.seconds - start
    return (record, timing(key, outcome, wall: wall, startedAt: startedAt, level: level))
  }

  /// The training job of a configuration.
  func job(_ configuration: CellConfiguration) throws(SettingError) -> TrainingJob {
    let task = configuration.task
    let size = try registries.data(task.segments)
    return TrainingJob(
      model: configuration.model, training: configuration.training, seed: configuration.seed,
      vocabulary: size.vocabulary, maximumLength: size.longest,
      metric: try registries.tasks.type(named: task.name).info.metric,
      train: try segments(task.name, task.train),
      validation: try segments(task.name, task.validation),
      test: try segments(task.name, task.test))
  }

  private func segments(
    _ name: String, _ segments: [SegmentConfiguration]
  ) throws(SettingError) -> [DataSegment] {
    zip(try registries.generators(name, segments), segments).map {
      DataSegment(task: $0, examples: $1.examples)
    }
  }

  /// What a record says of the task, and the chance line of each test segment.
  private func taskFacts(
    _ configuration: CellConfiguration
  ) throws(SettingError) -> (facts: TaskFacts, chances: [Double]) {
    let task = configuration.task
    let chances = try registries.generators(task.name, task.test).map(\.chance)
    let weights = task.test.map { Double($0.examples ?? 1) }
    let total = weights.reduce(0, +)
    let chance = zip(chances, weights).reduce(0) { $0 + $1.0 * $1.1 } / max(total, 1)
    let metric = try registries.tasks.type(named: task.name).info.metric
    let vocabulary = try registries.data(task.segments).vocabulary
    return (
      TaskFacts(metric: metric.rawValue, chance: chance, vocabulary: vocabulary), chances
    )
  }

  private func modelFacts(_ configuration: CellConfiguration) throws(SettingError) -> ModelFacts {
    let model = try registries.model(configuration.model, for: configuration.task)
    let longest = try registries.data(configuration.task.test.map { (configuration.task.name, $0) })
      .longest
    let state = model.stateSize(length: longest)
    var mixers: [ModelFacts.Mixer] = []
    for mixer in configuration.model.mixers {
      let info = try registries.mixers.type(named: mixer.name).info
      let values = try SettingValues(mixer.settings, declared: info.settings, of: mixer.name)
      mixers.append(ModelFacts.Mixer(name: mixer.name, eigenvalues: info.eigenvalues(values)))
    }
    return ModelFacts(
      parameters: model.parameterCount, stateFloats: state, stateBytes: 4 * state, mixers: mixers)
  }

  private func fill(
    _ record: inout CellRecord, from outcome: TrainingOutcome,
    facts: (facts: TaskFacts, chances: [Double])
  ) {
    record.training = TrainingFacts(
      steps: outcome.steps, selectedStep: outcome.selectedStep, examples: outcome.examples,
      tokens: outcome.tokens, stoppedEarly: outcome.stoppedEarly,
      curve: outcome.curve.map {
        CurvePoint(
          step: $0.step, loss: $0.loss, learningRate: $0.learningRate,
          validation: Scores($0.validation))
      })
    guard outcome.status == .finished else {
      record.status = .diverged
      record.reason = "the loss was not finite or exploded by step \(outcome.steps)"
      return
    }
    record.status = .finished
    record.validation = Scores(outcome.validation)
    let segments = record.configuration.task.test
    record.test = zip(zip(segments, facts.chances), outcome.test).map { segment, tally in
      SegmentResult(
        settings: segment.0.settings, examples: tally.overall.examples, chance: segment.1,
        scores: Scores(tally.overall),
        slices: tally.informativeSlices.map {
          SliceResult(
            name: $0.name, from: $0.band.lowerBound, to: $0.band.upperBound,
            scores: Scores($0.tally))
        })
    }
    record.testOverall = Scores(
      outcome.test.reduce(into: Tally()) { $0.add($1.overall) })
  }

  private func timing(
    _ key: String, _ outcome: TrainingOutcome, wall: Double, startedAt: String, level: String
  ) -> CellTiming {
    let seconds = max(outcome.trainSeconds, 1e-9)
    return CellTiming(
      key: key, wallSeconds: wall, trainSeconds: outcome.trainSeconds,
      evaluateSeconds: outcome.evaluateSeconds,
      tokensPerSecond: Double(outcome.tokens) / seconds,
      stepsPerSecond: Double(outcome.steps) / seconds, host: Machine.hostName,
      cpu: Machine.processor, cpuLevel: level, device: "cpu", jobs: jobs, startedAt: startedAt,
      program: ProgramVersion.text)
  }
}

extension Scores {
  init(_ tally: Tally) {
    self.init(
      tokenAccuracy: tally.tokenAccuracy, exampleAccuracy: tally.exampleAccuracy,
      sequenceAccuracy: tally.sequenceAccuracy, loss: tally.meanLoss, tokens: tally.tokens,
      examples: tally.examples)
  }
}
