import Configuration
import Records

/// The names of series: models that differ in nothing but their size.
///
/// In a plot of score against state size such models are points of one line. The size is the
/// width, the number of layers and every whole-number setting of the mixers.
struct SeriesNames {
  private struct Kind: Hashable {
    let mixers: [MixerConfiguration]
    let channelMixer: String
    let positions: String

    init(_ model: ModelConfiguration) {
      mixers = model.mixers.map { mixer in
        let settings = mixer.settings.filter { _, value in
          if case .integer = value { false } else { true }
        }
        return MixerConfiguration(name: mixer.name, settings: settings)
      }
      channelMixer = model.channelMixer.rawValue
      positions = model.positions.rawValue
    }
  }

  private var names: [String: String] = [:]

  init(_ groups: [NamedGroup]) {
    var order: [Kind] = []
    var members: [Kind: [String]] = [:]
    for group in groups {
      guard let record = group.group.records.first else { continue }
      let kind = Kind(record.configuration.model)
      if members[kind] == nil { order.append(kind) }
      if members[kind]?.contains(group.names.model) != true {
        members[kind, default: []].append(group.names.model)
      }
    }
    var used: Set<String> = []
    for kind in order {
      let models = members[kind] ?? []
      var name = Self.common(models)
      if !used.insert(name).inserted {
        name = models.joined(separator: ", ")
        used.insert(name)
      }
      for model in models { names[model] = name }
    }
  }

  func name(of model: String) -> String { names[model] ?? model }

  /// The words that all names have.
  private static func common(_ names: [String]) -> String {
    // "attention, width 16" and "attention" are sizes of attention.
    let words = names.map { name in
      name.split(separator: " ").map { $0.last == "," ? $0.dropLast() : $0 }
    }
    guard let first = words.first else { return "" }
    let shared = first.filter { word in words.allSatisfy { $0.contains(word) } }
    return shared.isEmpty ? names[0] : shared.joined(separator: " ")
  }
}
