import Architectures
import Autograd
import CUDABackend
import Configuration
import Platform
import TaskGenerators
import Tensors
import Training

/// What `bench train` measures: a model on multi-query recall.
public struct TrainBenchRow: Sendable, Codable {
  public var architecture: String
  public var vocabulary: Int
  public var length: Int
  public var pairs: Int
  public var batch: Int
  public var width: Int

  public init(
    architecture: String, vocabulary: Int, length: Int, pairs: Int, batch: Int, width: Int
  ) {
    self.architecture = architecture
    self.vocabulary = vocabulary
    self.length = length
    self.pairs = pairs
    self.batch = batch
    self.width = width
  }
}

/// The speed of training steps: forward, backward and optimiser.
public struct TrainTiming: Sendable, Codable {
  public var row: TrainBenchRow
  public var device: String
  public var millisecondsPerStep: Double
  public var tokensPerSecond: Double
  public var parameters: Int
  /// From the start of building the model to the end of the first step.
  public var firstStepMilliseconds: Double
  /// Blocks that steady steps asked the system for; 0 where memory is pooled as it should be.
  public var steadyAllocations: Int
  /// What a GPU's kernels of one step must at least take; nil on the processor.
  public var floor: StepFloor?
}

/// The least time of a step's kernels as they are cut: each moves the tensors that it is given once,
/// at the bandwidth of a pass over large tensors, or makes its products, at the rate of a large
/// product, whichever takes longer.
public struct StepFloor: Sendable, Codable {
  /// Kernels, copies and fillings.
  public var kernels: Int
  public var gigabytes: Double
  public var gigaflops: Double
  public var milliseconds: Double
  /// Of the measured time.
  public var fractionReached: Double
}

/// Times the training steps of a row.
public struct TrainBench: Sendable {
  private let registries: Registries
  private let devices: ComputeDevices
  private let ceilings: DeviceCeilings?

  /// Makes a bench for the first of some devices.
  ///
  /// - Throws: What the device says where it is not ready.
  public init(_ registries: Registries, devices: ComputeDevices) throws {
    self.registries = registries
    self.devices = devices
    ceilings = devices.usesGPU ? DeviceCeilings(of: try devices.makeBackend()) : nil
  }

  /// Times one row.
  ///
  /// - Parameters:
  ///   - row: The row. Layer norms, a tied head, no channel mixer; attention has learned positions.
  ///   - seconds: How long to measure.
  /// - Returns: The times of a step.
  /// - Throws: `SettingError` for a row that cannot be; what the device says where it fails.
  public func measure(_ row: TrainBenchRow, seconds: Double) throws -> TrainTiming {
    let start = MonotonicClock.seconds
    let backend = try devices.makeBackend()
    let job = try row.job(registries)
    let stepper = try Stepper(job, registry: registries.mixers, on: backend)
    var maker = BatchMaker(
      try DataPlan(job.train, batch: row.batch, seed: 0), seed: UInt64(job.seed))
    let batch = maker.next()
    stepper.step(batch)
    backend.synchronize()
    let first = MonotonicClock.seconds - start
    // Devices that record a step do so the second time.
    let work = (backend as? CUDABackend)?.loggingWork { stepper.step(batch) }
    stepper.step(batch)
    let before = backend.pool.systemAllocations
    let timing = Timing.measure(seconds: seconds, on: backend, span: 0.02) { stepper.step(batch) }
    if let failure = backend.failure { throw failure }
    return TrainTiming(
      row: row, device: backend.name, millisecondsPerStep: timing.best * 1e3,
      tokensPerSecond: Double(row.batch * row.length) / timing.best,
      parameters: stepper.model.parameterCount, firstStepMilliseconds: first * 1e3,
      steadyAllocations: backend.pool.systemAllocations - before,
      floor: work.flatMap { floor(of: $0, measured: timing.best) })
  }

  private func floor(of work: [KernelWork], measured: Double) -> StepFloor? {
    guard let ceilings else { return nil }
    let least = ceilings.floor(of: work)
    return StepFloor(
      kernels: work.count, gigabytes: work.reduce(0) { $0 + $1.bytes } / 1e9,
      gigaflops: work.reduce(0) { $0 + $1.operations } / 1e9, milliseconds: least * 1e3,
      fractionReached: least / measured)
  }
}

extension TrainBenchRow {
  /// The training that the row stands for: two layers with layer norms and a tied head.
  ///
  /// - Parameters:
  ///   - registries: Where the mixer and the task are found.
  ///   - settings: The mixer's settings, by name; the others have their defaults.
  ///   - others: Settings of the model.
  /// - Returns: The training, without validation and tests.
  /// - Throws: `SettingError` for a row that cannot be.
  func job(
    _ registries: Registries, _ settings: [String: SettingValue] = [:],
    model others: [String: SettingValue] = [:]
  ) throws(SettingError) -> TrainingJob {
    let task = try registries.tasks.make(
      "mqar",
      settings: [
        "vocabulary": .integer(vocabulary), "length": .integer(length), "pairs": .integer(pairs),
      ])
    let type = try registries.mixers.type(named: architecture)
    let mixer = try registries.mixers.resolved(architecture, settings)
    let positions = type.info.usesPositions ? "learned" : "none"
    let model = try ModelConfiguration(
      mixers: [mixer],
      [
        "width": .integer(width), "norm": .text("layer"), "positions": .text(positions),
      ].merging(others) { $1 })
    let training = try TrainingConfiguration(["batch": .integer(batch)])
    let segment = DataSegment(task: task, examples: nil)
    return TrainingJob(
      model: model, training: training, seed: 0, vocabulary: task.vocabulary,
      maximumLength: task.maximumLength, metric: .tokenAccuracy, train: [segment], validation: [],
      test: [])
  }
}
