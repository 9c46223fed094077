import Architectures
import CPUBackend
public import Configuration
import TaskGenerators
package import Tensors
import Training

/// What a cell costs, known before it is trained.
public struct CellCost: Sendable, Hashable {
  /// Floating-point operations of a training step, optimiser included.
  public var operationsPerStep: Double
  /// Tokens of a training step.
  public var tokensPerStep: Double
  /// Operations of one validation.
  public var operationsPerValidation: Double
  public var operationsPerTest: Double
  public var steps: Int
  public var validations: Int
  /// Memory for parameters, their gradients and the optimiser, activations and batches.
  public var memoryBytes: Int

  /// Operations from the first step to the end of the test, without an early stop.
  public var operations: Double {
    Double(steps) * operationsPerStep + Double(validations) * operationsPerValidation
      + operationsPerTest
  }

  /// Training operations for each token.
  public var operationsPerToken: Double { operationsPerStep / max(1, tokensPerStep) }
}

/// Finds what cells cost by letting their models run on a device that only counts.
///
/// Costs depend on neither the seed nor the learning rate, so each task setting and model is
/// counted once.
public final class CellCounter {
  /// Training batches that are counted: their lengths differ, and blocks of memory are not shared
  /// by lengths that are far apart.
  private static let batches = DataPlan.poolBatches
  /// Tokens of each evaluation's examples that are counted.
  private static let evaluatedTokens = 1 << 16

  private struct Subject: Hashable {
    let task: TaskConfiguration
    let model: ModelConfiguration
    let batch: Int
  }

  private let registries: Registries
  private var known: [Subject: CellCost] = [:]

  public init(_ registries: Registries) { self.registries = registries }

  /// The cost of a cell; nil where its model cannot be made, which its training will report.
  public func cost(of configuration: CellConfiguration) -> CellCost? {
    let training = configuration.training
    let subject = Subject(
      task: configuration.task, model: configuration.model, batch: training.batch)
    guard var cost = known[subject] ?? (try? count(configuration)) else { return nil }
    known[subject] = cost
    cost.steps = training.steps
    cost.validations = (training.steps + training.evaluateEvery - 1) / training.evaluateEvery
    return cost
  }

  /// Training operations for each token, as records have it.
  static func operationsPerToken(
    of configuration: CellConfiguration, _ registries: Registries
  ) -> Double? {
    guard let job = try? job(configuration, registries),
      let backend = try? CountingBackend(),
      let stepper = try? Stepper(job, registry: registries.mixers, on: backend),
      let (operations, tokens) = try? steps(of: job, stepper, backend)
    else { return nil }
    return (operations / max(1, tokens)).rounded()
  }

  private func count(_ configuration: CellConfiguration) throws -> CellCost {
    let job = try Self.job(configuration, registries)
    let backend = try CountingBackend()
    let stepper = try Stepper(job, registry: registries.mixers, on: backend)
    // The best parameters so far.
    let best = backend.empty([stepper.model.parameterCount])
    defer { withExtendedLifetime(best) {} }
    let (operations, tokens) = try Self.steps(of: job, stepper, backend)
    let validation = evaluation(of: job.validation, split: .validation, stepper, backend)
    let test = evaluation(of: job.test, split: .test, stepper, backend)
    return CellCost(
      operationsPerStep: operations, tokensPerStep: tokens, operationsPerValidation: validation,
      operationsPerTest: test, steps: 0, validations: 0, memoryBytes: backend.pool.bytesHeld)
  }

  private static func job(
    _ configuration: CellConfiguration, _ registries: Registries
  ) throws(SettingError) -> TrainingJob {
    var job = try CellRunner(registries: registries, jobs: 1, devices: .processor)
      .job(configuration)
    // One cost for all seeds, although lengths are drawn at random.
    job.seed = 0
    return job
  }

  /// The mean operations and tokens of a training step.
  private static func steps(
    of job: TrainingJob, _ stepper: Stepper, _ backend: CountingBackend
  ) throws(SettingError) -> (operations: Double, tokens: Double) {
    let plan = try DataPlan(job.train, batch: job.training.batch, seed: 0)
    var maker = BatchMaker(plan, seed: 0)
    let start = backend.operations
    var tokens = 0
    for _ in 0..<batches {
      let batch = maker.next()
      tokens += batch.realTokens
      stepper.step(batch)
    }
    let count = Double(batches)
    return ((backend.operations - start) / count, Double(tokens) / count)
  }

  /// The operations of an evaluation, from some of its examples.
  private func evaluation(
    of segments: [DataSegment], split: Split, _ stepper: Stepper, _ backend: CountingBackend
  ) -> Double {
    segments.reduce(0) { sum, segment in
      let all = segment.examples ?? 0
      guard all > 0 else { return sum }
      let some = min(all, max(1, Self.evaluatedTokens / segment.task.maximumLength))
      let start = backend.operations
      let evaluator = Evaluator(
        stepper.model, on: stepper.tape,
        segments: [DataSegment(task: segment.task, examples: some)], split: split, seed: 0)
      _ = evaluator.evaluate()
      return sum + (backend.operations - start) * Double(all) / Double(some)
    }
  }
}

/// Operations of any computation.
package enum CountedOperations {
  /// Lets a computation run on a device that only counts.
  ///
  /// - Parameter body: The computation.
  /// - Returns: Its operations, and the bytes of memory that it got.
  /// - Throws: `UnavailableLevel` where the machine has no kernels at all.
  package static func of(
    _ body: (any Backend) -> Void
  ) throws -> (operations: Double, memoryBytes: Int) {
    let backend = try CountingBackend()
    body(backend)
    return (backend.operations, backend.pool.bytesHeld)
  }
}
