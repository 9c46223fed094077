package import Architectures
import Autograd
package import Configuration
import Layers
import Platform
import TaskGenerators
package import Tensors

/// Trains one model on one task, chooses the stopping point on validation, and tests that.
package final class Trainer {
  /// Steps between looks at the loss; the host does not wait for the device in between.
  private static let lookEvery = 20

  private let job: TrainingJob
  private let dataThreads: Int
  private let stepper: Stepper
  private let plan: DataPlan
  private let best: Tensor
  package private(set) var progress = TrainingProgress()
  /// When the work began that is not counted yet.
  private var clock = 0.0

  /// Makes the model and lays out its memory.
  ///
  /// - Parameters:
  ///   - job: What to train.
  ///   - registry: Where its mixers are found.
  ///   - backend: The device.
  ///   - dataThreads: Threads that make examples.
  /// - Throws: `SettingError` for a model or data set that cannot be.
  package init(
    _ job: TrainingJob, registry: MixerRegistry, on backend: any Backend, dataThreads: Int = 1
  ) throws(SettingError) {
    self.job = job
    self.dataThreads = dataThreads
    plan = try DataPlan(job.train, batch: job.training.batch, seed: UInt64(job.seed))
    stepper = try Stepper(job, registry: registry, on: backend)
    best = backend.empty(stepper.arena.values.shape)
  }

  /// Trains to the end, an early stop, divergence or an interruption.
  ///
  /// - Parameters:
  ///   - checkpoints: Gets the state of the training now and then, and when it is interrupted.
  ///   - wantsStop: Asked after each step; what it has once said holds to the end.
  ///   - watch: Told what happens.
  /// - Returns: What came out; without test scores unless it finished.
  /// - Throws: What the device reports, such as memory that it does not have.
  package func run(
    checkpoints: CheckpointPlan = .none, interrupted wantsStop: () -> Bool = { false },
    watch: (TrainingEvent) -> Void = { _ in }
  ) throws -> TrainingOutcome {
    var checkpoints = checkpoints
    var isInterrupted = false
    // The wish may pass, as where a file system that hung answers again and the cell is still ours;
    // the evaluation that it has cut short stays a part.
    func interrupted() -> Bool {
      isInterrupted = isInterrupted || wantsStop()
      return isInterrupted
    }
    clock = MonotonicClock.seconds
    if progress.steps > 0 {
      watch(.step(progress.steps, of: job.training.steps, loss: nil, tokens: 0))
    }
    guard try train(&checkpoints, interrupted: interrupted, watch: watch) else {
      return TrainingOutcome(.diverged, progress)
    }
    if progress.isTrained, let tallies = try test(interrupted: interrupted) {
      return TrainingOutcome(.finished, progress, test: tallies)
    }
    try checkpoints.keep(checkpoint)
    return TrainingOutcome(.interrupted, progress)
  }

  /// Steps and validations, until no more are wanted or the training is interrupted.
  ///
  /// - Returns: Whether the losses stayed within bounds.
  private func train(
    _ checkpoints: inout CheckpointPlan, interrupted: () -> Bool, watch: (TrainingEvent) -> Void
  ) throws -> Bool {
    guard !progress.isTrained else { return true }
    let seed = UInt64(job.seed)
    let validation = Evaluator(
      stepper.model, on: stepper.tape, segments: job.validation, split: .validation, seed: seed)
    let stream = BatchStream(
      plan, seed: seed, steps: progress.steps..<job.training.steps, threads: dataThreads)
    defer { stream.stop() }
    count(in: \.evaluateSeconds)
    while !progress.isTrained {
      if isValidationDue {
        guard let tally = try validate(validation, interrupted: interrupted) else { return true }
        guard note(tally, watch) else { return false }
      } else {
        guard try step(stream.next(), watch) else { return false }
      }
      if interrupted() { return true }
      if checkpoints.isDue {
        try checkpoints.keep(checkpoint)
        clock = MonotonicClock.seconds
      }
    }
    return true
  }

  // MARK: - Steps

  /// One step, and a look at the loss where one is due; returns whether it is within bounds.
  private func step(_ batch: HostBatch, _ watch: (TrainingEvent) -> Void) throws -> Bool {
    progress.learningRate = stepper.step(batch)
    progress.steps += 1
    progress.isValidated = false
    progress.examples += batch.count
    progress.tokens += batch.realTokens
    progress.lookTokens += batch.realTokens
    progress.sinceSample += 1
    progress.sinceLook += 1
    defer { count(in: \.trainSeconds) }
    guard progress.sinceLook == Self.lookEvery || isValidationDue || progress.steps == 1 else {
      return true
    }
    let loss = stepper.takeLoss()
    try checkDevice()
    let mean = loss / Double(progress.sinceLook)
    progress.lossTotal += loss
    watch(
      .step(progress.steps, of: job.training.steps, loss: mean, tokens: progress.lookTokens))
    progress.lookTokens = 0
    progress.sinceLook = 0
    return isSound(mean)
  }

  /// The model's parameters; once `run` has finished a cell, those that were tested.
  ///
  /// - Throws: What the device reports.
  package var parameters: [(name: String, shape: [Int], elements: [Float])] {
    get throws {
      let parameters = stepper.arena.exported()
      try checkDevice()
      return parameters
    }
  }

  /// A device that failed gives numbers that mean nothing.
  private func checkDevice() throws {
    if let failure = stepper.tape.backend.failure { throw failure }
  }

  /// Neither NaN nor far above the loss of guessing at random.
  private func isSound(_ loss: Double) -> Bool {
    loss.isFinite && loss <= 20 * max(1, Mathematics.logarithm(Double(job.vocabulary)))
  }

  /// Counts the time since the last call.
  private func count(in seconds: WritableKeyPath<TrainingProgress, Double>) {
    let now = MonotonicClock.seconds
    progress[keyPath: seconds] += now - clock
    clock = now
  }

  // MARK: - Validation and test

  private var isValidationDue: Bool {
    let steps = progress.steps
    return steps > 0 && !progress.isValidated
      && (steps % job.training.evaluateEvery == 0 || steps == job.training.steps)
  }

  /// What the parameters score on validation; nil where that was interrupted.
  private func validate(_ validation: Evaluator, interrupted: () -> Bool) throws -> Tally? {
    let tally = validation.evaluate(interrupted: interrupted).reduce(into: Tally()) {
      $0.add($1.overall)
    }
    try checkDevice()
    count(in: \.evaluateSeconds)
    return interrupted() ? nil : tally
  }

  /// Puts a validation on the curve; returns whether its loss is within bounds.
  private func note(_ tally: Tally, _ watch: (TrainingEvent) -> Void) -> Bool {
    let sample = CurveSample(
      step: progress.steps, loss: progress.lossTotal / Double(progress.sinceSample),
      learningRate: progress.learningRate, validation: tally, metric: job.metric)
    (progress.lossTotal, progress.sinceSample) = (0, 0)
    progress.curve.append(sample)
    progress.isValidated = true
    watch(.validated(sample))
    guard isSound(tally.meanLoss) else { return false }
    keepIfBest(sample)
    if tally.merit(job.metric) >= job.training.stopAt {
      progress.stoppedEarly = progress.steps < job.training.steps
      progress.isTrained = true
    } else if progress.steps == job.training.steps {
      progress.isTrained = true
    }
    return true
  }

  private func keepIfBest(_ sample: CurveSample) {
    let merit = sample.validation.merit(job.metric)
    let loss = sample.validation.meanLoss
    if let best = progress.best, (merit, -loss) <= (best.merit, -best.loss) { return }
    progress.best = TrainingProgress.Best(
      step: sample.step, merit: merit, loss: loss, validation: sample.validation)
    stepper.tape.backend.copy(stepper.arena.values, to: best)
  }

  /// What the best parameters score; nil where that was interrupted.
  private func test(interrupted: () -> Bool) throws -> [SegmentTally]? {
    clock = MonotonicClock.seconds
    if progress.best != nil { stepper.tape.backend.copy(best, to: stepper.arena.values) }
    let evaluator = Evaluator(
      stepper.model, on: stepper.tape, segments: job.test, split: .test, seed: UInt64(job.seed))
    let tallies = evaluator.evaluate(interrupted: interrupted)
    try checkDevice()
    count(in: \.evaluateSeconds)
    return interrupted() ? nil : tallies
  }

  // MARK: - Checkpoints

  /// The present state; waits for the device.
  private func checkpoint() throws -> TrainingCheckpoint {
    var tensors = stepper.state
    if progress.best != nil { tensors["best"] = stepper.tape.backend.values(best) }
    try checkDevice()
    return TrainingCheckpoint(progress: progress, tensors: tensors)
  }

  /// Goes on from a checkpoint of the same job; to be called before `run`.
  ///
  /// - Throws: `CheckpointMismatch` where it is another job's; then this training is as it was.
  package func resume(_ checkpoint: TrainingCheckpoint) throws(CheckpointMismatch) {
    let size = stepper.arena.values.count
    if checkpoint.progress.best != nil {
      guard let elements = checkpoint.tensors["best"], elements.count == size else {
        throw CheckpointMismatch(description: "its best parameters are not this model's")
      }
      elements.withUnsafeBufferPointer { stepper.tape.backend.upload($0, to: best) }
    }
    guard (1...job.training.steps).contains(checkpoint.progress.steps) else {
      throw CheckpointMismatch(description: "it is not from within this training")
    }
    try stepper.restore(checkpoint.tensors, atStep: checkpoint.progress.steps)
    progress = checkpoint.progress
  }
}
