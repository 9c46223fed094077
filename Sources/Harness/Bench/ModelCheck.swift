import Architectures
import Autograd
import CPUBackend
package import Configuration
import Layers
package import Tensors
import Training

/// Whether a device finds the gradients of whole models, after some training, that the processor
/// finds: operations are checked on random inputs, but keys that repeat, gates that saturate and
/// losses that are almost nothing come only with training.
///
/// The device finds them as in training: in a step that it recorded, after steps of other shapes,
/// with which it shares memory.
///
/// Curves of training cannot tell as much: where a model leaves a plateau, differences of rounding
/// grow a thousandfold in a hundred steps.
public struct ModelCheck {
  /// A model's mixer, its settings that are not the defaults, and those of the model.
  package struct Row: Sendable {
    package var architecture: String
    package var settings: [String: SettingValue] = [:]
    package var model: [String: SettingValue] = [:]
    /// The mixer of the first layer, where that is another.
    package var first: String?
    package var data = Data()

    package init(
      architecture: String, settings: [String: SettingValue] = [:],
      model: [String: SettingValue] = [:], first: String? = nil, data: Data = Data()
    ) {
      self.architecture = architecture
      self.settings = settings
      self.model = model
      self.first = first
      self.data = data
    }

    /// "model", the mixers' names and what is not the default.
    package var name: String {
      (["model"] + [first, architecture].compactMap { $0 }
        + [settings, model].flatMap { settings in
          settings.keys.sorted().map { "\($0)=\(settings[$0].map { "\($0)" } ?? "")" }
        } + data.changes).joined(separator: " ")
    }
  }

  /// What a model of the check is trained on: batches of each length in turn.
  package struct Data: Sendable {
    package var vocabulary = 256
    package var lengths = [64]
    package var batch = 16
    package var pairs = 4

    package init(
      vocabulary: Int = 256, lengths: [Int] = [64], batch: Int = 16, pairs: Int = 4
    ) {
      self.vocabulary = vocabulary
      self.lengths = lengths
      self.batch = batch
      self.pairs = pairs
    }

    fileprivate var changes: [String] {
      let usual = Data()
      return [
        vocabulary == usual.vocabulary ? nil : "vocabulary=\(vocabulary)",
        lengths == usual.lengths
          ? nil : "lengths=" + lengths.map { "\($0)" }.joined(separator: ","),
        batch == usual.batch ? nil : "batch=\(batch)",
        pairs == usual.pairs ? nil : "pairs=\(pairs)",
      ].compactMap { $0 }
    }
  }

  /// Enough to leave the initial values, for most mixers not yet the plateau.
  ///
  /// Batches of several lengths are large, and there are fewer.
  private static func steps(_ row: Row) -> Int { row.data.lengths.count > 1 ? 12 : 60 }
  /// Of the root mean square of the gradients: what a device that rounds nothing is allowed, and how
  /// many roundings of factors one that does.
  private static let tolerance = 1e-3
  private static let roundings = 24.0

  private let registries: Registries

  /// Makes a check of a registry's mixers.
  public init(_ registries: Registries) { self.registries = registries }

  /// Every mixer with its defaults, those that can have negative eigenvalues with them, channel
  /// mixers behind the norms, and what else has kernels of its own.
  package var rows: [Row] {
    let mixers = registries.mixers.all.flatMap { type in
      let row = Row(architecture: type.info.name)
      guard type.info.settings.contains(where: { $0.name == "eigenvalues" }) else { return [row] }
      return [row, Row(architecture: row.architecture, settings: ["eigenvalues": .text("signed")])]
    }
    return mixers
      + [("mlp", "rms"), ("mlp", "layer"), ("swiglu", "rms")].map { mixer, norm in
        Row(
          architecture: "attention",
          model: ["channelMixer": .text(mixer), "norm": .text(norm)])
      } + Self.unusual
  }

  /// Values wider than keys, without a gate; layers of two kinds; widths and heads that no tile
  /// divides; and batches of several shapes.
  ///
  /// The longest of them has more tokens than the embedding's gradient is made of without sorting
  /// them.
  private static let unusual = [
    Row(
      architecture: "gated-delta-net",
      settings: ["valueExpansion": .integer(2), "gate": .flag(false)]
    ),
    Row(
      architecture: "sliding-window", settings: ["window": .integer(16)], first: "base-conv"),
    Row(
      architecture: "based", settings: ["featureDim": .integer(8)], model: ["width": .integer(48)],
      first: "base-conv"),
    Row(architecture: "delta-net", first: "base-conv"),
    Row(
      architecture: "attention", settings: ["heads": .integer(5)], model: ["width": .integer(20)]),
    Row(
      architecture: "delta-net", settings: ["heads": .integer(5)], model: ["width": .integer(20)]),
    Row(
      architecture: "slstm", settings: ["heads": .integer(5)],
      model: ["width": .integer(20), "channelMixer": .text("mlp")]),
    Row(
      architecture: "gru",
      data: Data(vocabulary: 5000, lengths: [16, 32, 72], batch: 64, pairs: 1)),
    Row(
      architecture: "attention",
      data: Data(vocabulary: 5000, lengths: [16, 32, 72], batch: 64, pairs: 1)),
  ]

  /// What the verdicts will be called.
  public var names: [String] { rows.map(\.name) }

  /// A verdict for every model that is wanted on each GPU of a choice; `watch` sees each as it is
  /// made.
  ///
  /// - Throws: `CUDAError` where a device is not ready.
  public func verdicts(
    devices: ComputeDevices, of isWanted: (String) -> Bool = { _ in true },
    watch: (KernelVerdict) -> Void
  ) throws {
    for (worker, name) in devices.names.enumerated() {
      for row in rows where isWanted(row.name) {
        let backend = try devices.makeBackend(worker, poison: true)
        watch(try verdict(row, on: backend, named: name))
      }
    }
  }

  /// Trains on the processor, then compares the gradients of a batch of each length.
  ///
  /// By then the device has recorded a step of each length, from the shortest on, so that what lasts
  /// longer than a step may lie where those before it write.
  ///
  /// - Parameters:
  ///   - row: The model.
  ///   - steps: How long to train; nil for as long as the row's batches allow.
  ///   - backend: The device.
  ///   - name: What the device is called.
  ///   - disturbance: By what part the device's parameters are changed: a check of the check.
  /// - Returns: Whether the gradients agree, and how far they are apart.
  /// - Throws: `SettingError` for a model that cannot be, `UnavailableLevel` without a processor.
  package func verdict(
    _ row: Row, steps: Int? = nil, on backend: any Backend, named name: String,
    disturbance: Float = 0
  ) throws -> KernelVerdict {
    let job = try job(row)
    let steps = steps ?? Self.steps(row)
    let reference = try Stepper(job, registry: registries.mixers, on: try CPUBackend())
    let found = try Stepper(job, registry: registries.mixers, on: backend)
    var maker = BatchMaker(
      try DataPlan(job.train, batch: row.data.batch, seed: 0), seed: 0)
    for _ in 0..<steps { reference.step(maker.next()) }
    let trained = TrainedState(reference, steps: steps)
    let batches = row.data.lengths.map { _ in maker.next() }.sorted { $0.length < $1.length }
    for batch in batches { for _ in 0..<2 { found.step(batch) } }
    let error =
      try batches.map { batch in
        relativeError(
          try trained.gradients(of: batch, by: found, disturbance: disturbance),
          try trained.gradients(of: batch, by: reference))
      }.max() ?? 0
    let tolerance = Self.tolerance + Self.roundings * backend.factorRounding
    var verdict = KernelVerdict(
      op: row.name, level: name, cases: batches.count, passed: error <= tolerance,
      largestError: error.isFinite ? error : 0, tolerance: tolerance)
    if let failure = backend.failure {
      verdict.passed = false
      verdict.fault = "\(failure)"
    } else if !verdict.passed {
      verdict.fault = "the gradients' error is \(error)"
    }
    return verdict
  }

  /// Recall at each of the row's lengths.
  private func job(_ row: Row) throws -> TrainingJob {
    let data = row.data
    let sizes = data.lengths.map {
      TrainBenchRow(
        architecture: row.architecture, vocabulary: data.vocabulary, length: $0,
        pairs: data.pairs, batch: data.batch, width: 64)
    }
    let jobs = try sizes.map { try $0.job(registries, row.settings, model: row.model) }
    var job = jobs[0]
    job.train = jobs.flatMap(\.train)
    job.maximumLength = jobs.map(\.maximumLength).max() ?? job.maximumLength
    if let first = row.first {
      job.model.mixers.insert(try registries.mixers.resolved(first, [:]), at: 0)
    }
    return job
  }
}

/// What a model was trained to, and the optimiser's count of steps.
private struct TrainedState {
  private static let (values, moments) = ("parameters", "moments.first")
  private let state: [String: [Float]]
  private let steps: Int

  init(_ stepper: Stepper, steps: Int) {
    var state = stepper.state
    state[Self.moments] = state[Self.moments].map { [Float](repeating: 0, count: $0.count) }
    (self.state, self.steps) = (state, steps)
  }

  /// The gradients of a batch's loss, up to a factor, as a training step finds them: what the step
  /// leaves in the optimiser's first moments, which were 0.
  ///
  /// - Throws: `CheckpointMismatch` where the stepper is another model's.
  func gradients(
    of batch: HostBatch, by stepper: Stepper, disturbance: Float = 0
  ) throws -> [Double] {
    var state = state
    state[Self.values] = state[Self.values]?.map { $0 * (1 + disturbance) }
    try stepper.restore(state, atStep: steps)
    stepper.step(batch)
    return stepper.state[Self.moments, default: []].map(Double.init)
  }
}
