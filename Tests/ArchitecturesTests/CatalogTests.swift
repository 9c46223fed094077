import Architectures
import Autograd
import Configuration
import Testing

/// What every entry of the catalogue says of itself.
@Suite struct CatalogTests {
  static let names = MixerCatalog.all.map { $0.info.name }

  private func info(_ name: String) throws -> MixerInfo {
    try MixerRegistry().type(named: name).info
  }

  @Test func namesDiffer() {
    #expect(Set(Self.names).count == Self.names.count)
  }

  @Test(arguments: names) func informationIsComplete(_ name: String) throws {
    let info = try info(name)
    #expect(!info.summary.isEmpty && !info.recurrence.isEmpty && !info.paper.isEmpty)
    #expect(![info.summary, info.recurrence, info.paper].contains { $0.contains("\n") })
    #expect(name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" })
    #expect(info.version >= 1)
    #expect(Set(info.settings.map(\.name)).count == info.settings.count)
    for setting in info.settings {
      #expect(!setting.meaning.isEmpty && !setting.meaning.contains("\n"), "\(setting.name)")
      #expect(
        setting.kind.normalised(setting.defaultValue) == setting.defaultValue, "\(setting.name)")
    }
  }

  @Test(arguments: Variant.settings) func theorySaysSomething(_ variant: Variant) throws {
    let mixer = try #require(try variant.configuration.mixers.first)
    let info = try info(mixer.name)
    let values = try SettingValues(mixer.settings, declared: info.settings, of: mixer.name)
    let tracking = info.stateTracking(values)
    let range = info.eigenvalues(values)
    #expect(!range.isEmpty)
    // What tracks S5 tracks its cyclic subgroups.
    #expect(!tracking.s5 || (tracking.parity && tracking.modulo3))
    if mixer.settings["eigenvalues"] == .text("signed") {
      #expect(range.contains("-1") && tracking.parity)
    }
  }

  @Test func anUnknownMixerIsRefusedWithTheNearest() {
    let error = #expect(throws: SettingError.self) {
      try MixerRegistry().type(named: "delta-nett")
    }
    #expect(error?.description.contains("did you mean 'delta-net'?") == true)
  }

  @Test func aLaterMixerReplacesAnEarlierOne() throws {
    struct Other: SequenceMixer {
      static let info = MixerInfo(
        name: "gru", summary: "another", recurrence: "", paper: "", settings: [],
        eigenvalues: { _ in "" }, stateTracking: { _ in .none })
      init(settings: SettingValues, context: MixerContext) throws(SettingError) {}
      func callAsFunction(_ x: Variable, state: MixerState?) -> Variable { x }
      func stateSize(length: Int) -> Int { 0 }
    }
    var registry = MixerRegistry()
    registry.add(Other.self)
    #expect(registry.all.count == MixerCatalog.all.count)
    let found = try registry.type(named: "gru").info
    #expect(found.summary == "another")
  }
}

/// Settings that are right one by one and impossible together.
@Suite struct RefusalTests {
  private func refusal(
    _ name: String, _ settings: [String: SettingValue] = [:], model: [String: SettingValue] = [:]
  ) throws -> SettingError? {
    let configuration = try Variant(name, settings, model: model).configuration
    return #expect(throws: SettingError.self) {
      try Model(configuration, vocabulary: 16, maximumLength: 8)
    }
  }

  private static let withHeads = MixerCatalog.all.filter { type in
    type.info.settings.contains { $0.name == "heads" }
  }.map { $0.info.name }

  @Test(arguments: withHeads) func headsMustDivideTheWidth(_ name: String) throws {
    let error = try refusal(name, ["heads": .integer(3)])
    #expect(error?.setting == "heads")
    #expect(error?.help.isEmpty == false)
    #expect(try refusal(name, ["heads": .integer(32)])?.setting == "heads")
  }

  @Test(arguments: ["attention", "sliding-window"]) func rotaryNeedsEvenHeads(
    _ name: String
  ) throws {
    let error = try refusal(
      name, ["heads": .integer(2)],
      model: ["positions": .text("rotary"), "width": .integer(6)])
    #expect(error?.setting == "heads")
  }

  @Test(arguments: ["rotary", "alibi"]) func positionsNeedSomeoneWhoReadsThem(
    _ positions: String
  ) throws {
    for type in MixerCatalog.all where !type.info.usesPositions {
      let error = try refusal(type.info.name, model: ["positions": .text(positions)])
      #expect(error?.setting == "positions")
    }
  }

  @Test func keyHeadsMustDivideTheHeads() throws {
    let settings: [String: SettingValue] = ["heads": .integer(4), "keyHeads": .integer(3)]
    #expect(try refusal("attention", settings)?.setting == "keyHeads")
  }

  @Test func headsMustFillTheInnerWidth() throws {
    #expect(try refusal("mamba-2", ["headDim": .integer(5)])?.setting == "headDim")
  }

  @Test func anUnknownMixerIsRefused() throws {
    var configuration = try Variant("gru").configuration
    configuration.mixers = [MixerConfiguration(name: "grue")]
    #expect(throws: SettingError.self) {
      try Model(configuration, vocabulary: 16, maximumLength: 8)
    }
  }
}
