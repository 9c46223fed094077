import Architectures
import Configuration
import Testing

/// A small model around one of the catalogue's mixers, as one row of the contract tests.
struct Variant: Sendable, CustomTestStringConvertible {
  static let vocabulary = 16
  static let maximumLength = 72

  var testDescription: String
  var mixers: [MixerConfiguration]
  /// Settings of the model over those of `small`.
  var model: [String: SettingValue]

  /// Small enough for debug builds, with parameters large enough for every nonlinearity to bend.
  private static let small: [String: SettingValue] = [
    "width": .integer(16), "layers": .integer(2), "initialScale": .number(0.2),
  ]

  init(
    _ name: String, _ settings: [String: SettingValue] = [:], model: [String: SettingValue] = [:]
  ) {
    let changes = (settings.merging(model) { $1 }).sorted { $0.key < $1.key }
    testDescription = ([name] + changes.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
    mixers = [MixerConfiguration(name: name, settings: settings)]
    self.model = model
  }

  /// The same with another value of a setting of the model.
  func with(_ name: String, _ value: SettingValue) -> Variant {
    var copy = self
    copy.model[name] = value
    return copy
  }

  var configuration: ModelConfiguration {
    get throws {
      var resolved: [MixerConfiguration] = []
      for mixer in mixers {
        resolved.append(try MixerRegistry().resolved(mixer.name, mixer.settings))
      }
      return try ModelConfiguration(
        mixers: resolved, Self.small.merging(model) { $1 })
    }
  }

  /// The mixer's configuration in a model where nothing but the mixer is special.
  var plainConfiguration: ModelConfiguration {
    get throws {
      var copy = self
      copy.model = model.filter { $0.key == "layers" }
      return try copy.configuration
    }
  }

  fileprivate var isPossible: Bool {
    guard let configuration = try? configuration else { return false }
    let model = try? Model(
      configuration, vocabulary: Self.vocabulary, maximumLength: Self.maximumLength)
    return model != nil
  }
}

// MARK: - The rows, derived from the declarations

extension Variant {
  /// Every mixer with its default settings.
  static let defaults = MixerCatalog.all.map { Variant($0.info.name) }

  /// Every mixer with each of its settings at other values, one at a time.
  static let settings =
    defaults
    + MixerCatalog.all.flatMap { type in
      type.info.settings.flatMap { setting in
        otherValues(of: setting).map { Variant(type.info.name, [setting.name: $0]) }
          .filter(\.isPossible).prefix(limit(of: setting))
      } + sharedKeys(type.info)
    }

  /// Every mixer in each kind of model, and all mixers in one model.
  static let backbones =
    MixerCatalog.all.flatMap { type in
      ModelConfiguration.declared.flatMap { setting -> [Variant] in
        switch setting.kind {
        case .choice, .flag:
          otherValues(of: setting).map { Variant(type.info.name, model: [setting.name: $0]) }
            .filter(\.isPossible)
        default: []
        }
      }
    } + [everything]

  static let all = settings + backbones

  /// One layer of each mixer, with everything that a model can have.
  private static var everything: Variant {
    var variant = Variant(
      "hybrid",
      model: [
        "layers": .integer(MixerCatalog.all.count), "positions": .text("learned"),
        "channelMixer": .text("swiglu"), "norm": .text("layer"), "tiedHead": .flag(false),
      ])
    variant.mixers = MixerCatalog.all.map { MixerConfiguration(name: $0.info.name) }
    return variant
  }

  /// Values that a setting does not have by default.
  private static func otherValues(of setting: Setting) -> [SettingValue] {
    let candidates: [SettingValue] =
      switch setting.kind {
      case .flag: [.flag(true), .flag(false)]
      case .choice(let names): names.map(SettingValue.text)
      case .integer where setting.name == "heads": [.integer(1), .integer(2)]
      case .integer where setting.name == "convolution": [.integer(0), .integer(1), .integer(4)]
      case .integer: [.integer(3), .integer(2), .integer(1)]
      case .number: [.number(2), .number(1)]
      case .integers, .text: []
      }
    return candidates.filter {
      $0 != setting.defaultValue && setting.kind.normalised($0) != nil
    }
  }

  /// Of the values of a free number one is enough: the first that the model allows.
  private static func limit(of setting: Setting) -> Int {
    switch setting.kind {
    case .integer where setting.name != "heads" && setting.name != "convolution": 1
    case .number: 1
    default: .max
    }
  }

  /// Keys shared by groups of query heads need more than one head to show.
  private static func sharedKeys(_ info: MixerInfo) -> [Variant] {
    guard info.settings.contains(where: { $0.name == "keyHeads" }) else { return [] }
    return [Variant(info.name, ["heads": .integer(4), "keyHeads": .integer(2)])]
  }
}
