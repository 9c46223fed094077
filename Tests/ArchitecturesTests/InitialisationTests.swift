import Architectures
import Autograd
import CPUBackend
import Configuration
import Layers
import Randomness
import Tensors
import Testing

@Suite struct InitialisationTests {
  /// What surrounds a mixer (norms, channel mixers, the head, positions) leaves its parameters as
  /// its own initialisers draw them.
  @Test(arguments: Variant.all) func theModelLeavesTheMixerAlone(_ variant: Variant) throws {
    let live = try LiveModel(variant, seed: 7)
    let found = Dictionary(
      uniqueKeysWithValues: live.arena.exported().map { ($0.name, $0.elements) })
    let plain = try variant.plainConfiguration
    for layer in 0..<plain.layers {
      let alone = try mixerAlone(layer, plain, seed: 7)
      #expect(!alone.isEmpty)
      for (name, _, elements) in alone { #expect(found[name] == elements, "\(name)") }
      let own = found.keys.filter { $0.hasPrefix("layer\(layer).mixer.") }
      #expect(own.count == alone.count)
    }
  }

  private func mixerAlone(
    _ layer: Int, _ model: ModelConfiguration, seed: UInt64
  ) throws -> [(name: String, shape: [Int], elements: [Float])] {
    let parameters = Parameters()
    let choice = model.mixer(ofLayer: layer)
    let type = try MixerRegistry().type(named: choice.name)
    let settings = try SettingValues(
      choice.settings, declared: type.info.settings, of: choice.name)
    let context = MixerContext(
      parameters: parameters.scoped("layer\(layer)").scoped("mixer"), model: model, layer: layer,
      maximumLength: Variant.maximumLength)
    _ = try type.init(settings: settings, context: context)
    let tape = Tape(try CPUBackend())
    return parameters.materialise(on: tape, random: RandomSource(seed: seed)).exported()
  }

  @Test(arguments: Variant.defaults) func layersAndSeedsDiffer(_ variant: Variant) throws {
    let live = try LiveModel(variant, seed: 1)
    let first = live.arena.exported()
    let random = Set(live.model.allParameters.filter(\.initial.isRandom).map(\.name))
    let other = try LiveModel(variant, seed: 2).arena.exported()
    let byName = Dictionary(uniqueKeysWithValues: first.map { ($0.name, $0.elements) })
    var drawn = 0
    for (name, _, elements) in first where random.contains(name) {
      drawn += 1
      #expect(other.first { $0.name == name }?.elements != elements, "\(name)")
      guard name.hasPrefix("layer0.") else { continue }
      #expect(byName["layer1." + name.dropFirst("layer0.".count)] != elements, "\(name)")
    }
    #expect(drawn > 2)
  }

  @Test(arguments: Variant.all) func describingCountsWhatIsAllocated(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    #expect(
      live.model.parameterCount == live.arena.exported().reduce(0) { $0 + $1.elements.count })
    let names = live.model.allParameters.map(\.name)
    #expect(Set(names).count == names.count)
  }
}

extension Initialiser {
  /// Whether the law depends on the seed.
  fileprivate var isRandom: Bool {
    switch self {
    case .normal, .uniform, .drawn, .drawnTogether: true
    case .constant, .elements: false
    }
  }
}
