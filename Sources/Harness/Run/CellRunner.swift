import Architectures
import Autograd
import CUDABackend
import Configuration
import Platform
import Records
import TaskGenerators
import Tensors
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
  let devices: ComputeDevices
  /// Whether trained models are wanted, beside the records.
  var keepsModels = false

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

  /// How a cell's training ended.
  enum Result {
    /// With the trained model, where it is wanted and there is one.
    case recorded(CellRecord, CellTiming, ModelFile?)
    /// Interrupted at a step; nil where nothing could be saved.
    case interrupted(savedStep: Int?)
    /// The device has no memory left for it beside the others, or what was kept of them.
    case crowded
    /// A cell beside it broke the device.
    case stranded
  }

  /// Trains the cell.
  ///
  /// What goes wrong inside becomes a record with status `failed`: a bad cell never takes the grid
  /// down.
  ///
  /// - Parameters:
  ///   - cell: What to train.
  ///   - key: Its name in the store.
  ///   - worker: Who trains it.
  ///   - isAlone: Whether no other cell uses the device, so that its memory is the last word.
  ///   - checkpoints: Its checkpoints.
  ///   - interrupted: Asked after each step.
  ///   - watch: Told what happens.
  /// - Returns: Its record, or why there is none.
  /// - Throws: `SettingError` for a configuration that the program does not know.
  func run(
    _ cell: PlannedCell, key: String, worker: Worker, isAlone: Bool, checkpoints: CellCheckpoints,
    interrupted: () -> Bool, watch: (TrainingEvent) -> Void
  ) throws(SettingError) -> Result {
    defer { worker.settle() }
    let start = MonotonicClock.seconds
    let startedAt = WallClock.now
    let facts = try TestFacts(cell.configuration, registries)
    var record = CellRecord(
      key: key, labels: CellLabels(task: cell.taskLabel, model: cell.modelLabel),
      configuration: cell.configuration, tuned: cell.tuned,
      versions: try versions(of: cell.configuration), status: .failed, task: facts.task,
      model: nil, training: TrainingFacts())
    var outcome = TrainingOutcome(status: .finished)
    var device = ""
    var model: ModelFile?
    var history = CheckpointHeader(key: key, device: "")
    do {
      let backend = try worker.backend()
      device = backend.name
      history.device = devices.machineType(worker.number, backend)
      record.model = try modelFacts(cell.configuration)
      let trainer = try Trainer(
        try job(cell.configuration), registry: registries.mixers, on: backend,
        dataThreads: dataThreads)
      try resume(trainer, from: checkpoints, &history)
      var savedStep: Int?
      let plan = checkpoints.plan(history, since: start) { savedStep = $0 }
      outcome = try trainer.run(checkpoints: plan, interrupted: interrupted, watch: watch)
      if outcome.status == .interrupted { return .interrupted(savedStep: savedStep) }
      fill(&record, from: outcome, facts: facts)
      if keepsModels, record.status == .finished {
        model = try modelFile(of: record, try trainer.parameters)
      }
    } catch let error as CUDAError where error.mayLackMemory && !(isAlone && worker.isFresh) {
      return .crowded
    } catch let error as CUDAError
      where error.breaksDevice && !devices.noteBreakage(worker.number, error)
    {
      return .stranded
    } catch {
      record.reason = "\(error)"
    }
    history.wallSeconds += MonotonicClock.seconds - start
    return .recorded(
      record, timing(history, outcome, startedAt: startedAt, device: device), model)
  }

  private func modelFile(
    of record: CellRecord, _ parameters: [(name: String, shape: [Int], elements: [Float])]
  ) throws(SettingError) -> ModelFile {
    let size = try registries.data(record.configuration.task.segments)
    return ModelFile(
      key: record.key, labels: record.labels, configuration: record.configuration,
      versions: record.versions, vocabulary: size.vocabulary, maximumLength: size.longest,
      selectedStep: record.training.selectedStep,
      parameters: parameters.map { .init(name: $0, shape: $1, elements: $2) })
  }

  /// Takes a training up where a checkpoint left it.
  private func resume(
    _ trainer: Trainer, from checkpoints: CellCheckpoints, _ history: inout CheckpointHeader
  ) throws {
    guard let (header, checkpoint) = try checkpoints.find(history) else { return }
    do throws(CheckpointMismatch) {
      try trainer.resume(checkpoint)
      history.wallSeconds = header.wallSeconds
      history.resumptions = header.resumptions + 1
      checkpoints.tell("goes on at step \(checkpoint.progress.steps)")
    } catch {
      checkpoints.tell("a checkpoint does not fit: \(error); the cell starts again")
    }
  }

  /// A GPU takes examples faster than one thread makes them.
  private var dataThreads: Int { devices.usesGPU ? max(1, Machine.cores / jobs) : 1 }

  /// The training job of a configuration.
  func job(_ configuration: CellConfiguration) throws(SettingError) -> TrainingJob {
    let task = configuration.task
    let size = try registries.data(task.segments)
    return TrainingJob(
      model: configuration.model, training: configuration.training, seed: configuration.seed,
      vocabulary: size.vocabulary, maximumLength: size.longest,
      metric: try registries.tasks.type(named: task.name).info.metric,
      train: try registries.segments(task.name, task.train),
      validation: try registries.segments(task.name, task.validation),
      test: try registries.segments(task.name, task.test))
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
      parameters: model.parameterCount, stateFloats: state, stateBytes: 4 * state, mixers: mixers,
      flopsPerToken: CellCounter.operationsPerToken(of: configuration, registries))
  }

  private func fill(
    _ record: inout CellRecord, from outcome: TrainingOutcome,
    facts: TestFacts
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
    facts.fill(&record, from: outcome.test)
  }

  private func timing(
    _ history: CheckpointHeader, _ outcome: TrainingOutcome, startedAt: String, device: String
  ) -> CellTiming {
    let seconds = max(outcome.trainSeconds, 1e-9)
    return CellTiming(
      key: history.key, wallSeconds: history.wallSeconds, trainSeconds: outcome.trainSeconds,
      evaluateSeconds: outcome.evaluateSeconds,
      tokensPerSecond: Double(outcome.tokens) / seconds,
      stepsPerSecond: Double(outcome.steps) / seconds, host: Machine.hostName,
      cpu: Machine.processor, cpuLevel: devices.usesGPU ? "" : device,
      device: devices.usesGPU ? device : "cpu", jobs: jobs, startedAt: startedAt,
      program: ProgramVersion.text,
      resumptions: history.resumptions > 0 ? history.resumptions : nil)
  }
}
