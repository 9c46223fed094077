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
/// Curves of training cannot tell as much: where a model leaves a plateau, differences of rounding
/// grow a thousandfold in a hundred steps.
public struct ModelCheck {
  /// A model's mixer, its settings that are not the defaults, and those of the model.
  package struct Row: Sendable {
    package var architecture: String
    package var settings: [String: SettingValue] = [:]
    package var model: [String: SettingValue] = [:]

    package init(
      architecture: String, settings: [String: SettingValue] = [:],
      model: [String: SettingValue] = [:]
    ) {
      self.architecture = architecture
      self.settings = settings
      self.model = model
    }

    /// "model", the mixer's name and what is not the default.
    package var name: String {
      (["model", architecture]
        + [settings, model].flatMap { settings in
          settings.keys.sorted().map { "\($0)=\(settings[$0].map { "\($0)" } ?? "")" }
        }).joined(separator: " ")
    }
  }

  /// Enough to leave the initial values, for most mixers not yet the plateau.
  private static let steps = 60
  /// Of the root mean square of the gradients: what a device that rounds nothing is allowed, and how
  /// many roundings of factors one that does.
  private static let tolerance = 1e-3
  private static let roundings = 24.0

  private let registries: Registries

  /// Makes a check of a registry's mixers.
  public init(_ registries: Registries) { self.registries = registries }

  /// Every mixer with its defaults, those that can have negative eigenvalues with them, and
  /// channel mixers behind the norms.
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
      }
  }

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

  /// Trains on the processor, then compares the gradients of one more batch.
  ///
  /// - Parameters:
  ///   - row: The model.
  ///   - steps: How long to train.
  ///   - backend: The device.
  ///   - name: What the device is called.
  ///   - disturbance: By what part the device's parameters are changed: a check of the check.
  /// - Returns: Whether the gradients agree, and how far they are apart.
  /// - Throws: `SettingError` for a model that cannot be, `UnavailableLevel` without a processor.
  package func verdict(
    _ row: Row, steps: Int = ModelCheck.steps, on backend: any Backend, named name: String,
    disturbance: Float = 0
  ) throws -> KernelVerdict {
    let size = TrainBenchRow(
      architecture: row.architecture, vocabulary: 256, length: 64, pairs: 4, batch: 16, width: 64)
    let job = try size.job(registries, row.settings, model: row.model)
    let reference = try Stepper(job, registry: registries.mixers, on: try CPUBackend())
    let found = try Stepper(job, registry: registries.mixers, on: backend)
    var maker = BatchMaker(try DataPlan(job.train, batch: size.batch, seed: 0), seed: 0)
    for _ in 0..<steps { reference.step(maker.next()) }
    let trained = reference.arena.exported().map { parameter in
      (parameter.name, parameter.elements.map { $0 * (1 + disturbance) })
    }
    try found.arena.load(Dictionary(uniqueKeysWithValues: trained))
    let batch = maker.next()
    let error = relativeError(
      found.gradients(of: batch).map(Double.init), reference.gradients(of: batch).map(Double.init))
    let tolerance = Self.tolerance + Self.roundings * backend.factorRounding
    var verdict = KernelVerdict(
      op: row.name, level: name, cases: 1, passed: error <= tolerance,
      largestError: error.isFinite ? error : 0, tolerance: tolerance)
    if let failure = backend.failure {
      verdict.passed = false
      verdict.fault = "\(failure)"
    } else if !verdict.passed {
      verdict.fault = "the gradients' error is \(error)"
    }
    return verdict
  }
}
