import Architectures
import Autograd
import Configuration
import Layers
import Records
import Tensors
package import Training

/// A model from a file, on a device and ready to answer.
package struct TrainedModel {
  package let file: ModelFile
  /// The longest sequence that it takes.
  package let longest: Int
  package let predictor: Predictor

  /// Rebuilds a model.
  ///
  /// - Parameters:
  ///   - file: The file's content.
  ///   - path: Its path, for messages.
  ///   - registries: Where its mixers are found.
  ///   - devices: Where to compute.
  ///   - longest: Longer sequences than those of the cell's data, where the model can take them; nil
  ///     for those.
  /// - Throws: `ModelFileError` where the file's parameters are not those of its configuration, or
  ///   this program computes something else from them.
  package init(
    _ file: ModelFile, path: String, registries: Registries, devices: ComputeDevices,
    longest: Int? = nil
  ) throws {
    self.file = file
    self.longest = max(longest ?? 0, file.maximumLength)
    let model: Model
    do {
      try Self.check(file, registries, path)
      model = try Model(
        try file.configuration.model.checked(), vocabulary: file.vocabulary,
        maximumLength: self.longest, registry: registries.mixers)
    } catch let error as SettingError {
      throw ModelFileError(path, "its configuration is not possible: \(error)")
    }
    // Before anything is allocated: the configuration may ask for more than the file has.
    try Self.compare(model, with: file, path)
    let backend = try devices.makeBackend()
    predictor = try Predictor(
      model,
      parameters: Dictionary(uniqueKeysWithValues: file.parameters.map { ($0.name, $0.elements) }),
      on: backend)
  }

  /// Checks that the mixers are those that the parameters were trained with.
  private static func check(
    _ file: ModelFile, _ registries: Registries, _ path: String
  ) throws {
    for mixer in file.configuration.model.mixers {
      let version = try registries.mixers.type(named: mixer.name).info.version
      guard let trained = file.versions.mixers[mixer.name], trained != version else { continue }
      throw ModelFileError(
        path, "trained with version \(trained) of '\(mixer.name)', this program has \(version)")
    }
  }

  private static func compare(
    _ model: Model, with file: ModelFile, _ path: String
  ) throws(ModelFileError) {
    var shapes = file.shapes
    for parameter in model.allParameters {
      guard let shape = shapes.removeValue(forKey: parameter.name) else {
        throw ModelFileError(path, "its tensor '\(parameter.name)' is missing")
      }
      guard shape == parameter.shape else {
        throw ModelFileError(
          path, "its tensor '\(parameter.name)' is \(shape), the model needs \(parameter.shape)")
      }
    }
    if let name = shapes.keys.min() {
      throw ModelFileError(path, "the model has no parameter '\(name.shortened)'")
    }
  }
}

extension ModelConfiguration {
  /// The same, with every setting held against its declaration: a file may say anything.
  fileprivate func checked() throws(SettingError) -> ModelConfiguration {
    guard (1...256).contains(mixers.count) else {
      throw SettingError("mixer", "it has \(mixers.count) mixers")
    }
    return try ModelConfiguration(
      mixers: mixers,
      [
        "width": .integer(width), "layers": .integer(layers),
        "channelMixer": .text(channelMixer.rawValue), "channelRatio": .number(channelRatio),
        "positions": .text(positions.rawValue), "norm": .text(norm.rawValue),
        "tiedHead": .flag(tiedHead), "initialScale": .number(initialScale),
      ])
  }
}
