import Architectures
import Configuration
import Foundation
import Harness
import Records
import TaskGenerators
import Testing

/// A cell's key changes with whatever changes its numbers, and with nothing else.
@Suite struct RunKeyTests {
  private static let versions = CellVersions(program: "1", task: 1, mixers: ["gru": 1])

  private func configuration(
    _ mixer: MixerConfiguration = MixerConfiguration(name: "gru"),
    model: [String: SettingValue] = [:], training: [String: SettingValue] = [:], seed: Int = 0
  ) throws -> CellConfiguration {
    let settings = try TaskRegistry().make("parity").settings.values
    let segment = SegmentConfiguration(settings: settings, examples: 100)
    return CellConfiguration(
      task: TaskConfiguration(
        name: "parity", train: [segment], validation: [segment], test: [segment]),
      model: try ModelConfiguration(mixers: [mixer], model),
      training: try TrainingConfiguration(training), seed: seed)
  }

  private func key(_ configuration: CellConfiguration) -> String {
    CellKey.make(configuration: configuration, versions: Self.versions)
  }

  /// Another value than the default.
  private static func other(_ setting: Setting) -> SettingValue? {
    let candidates: [SettingValue] =
      switch setting.kind {
      case .flag: [.flag(true), .flag(false)]
      case .choice(let names): names.map(SettingValue.text)
      case .integer(let bounds), .integers(let bounds):
        [.integer(bounds.lowerBound), .integer(bounds.lowerBound + 1)]
      case .number(let bounds): [.number(bounds.lowerBound), .number(bounds.upperBound)]
      case .text: [.text("other")]
      }
    return candidates.first { setting.kind.normalised($0) != setting.defaultValue }
  }

  @Test func everySettingOfTheModelAndTheTrainingCounts() throws {
    var keys = [key(try configuration())]
    for setting in ModelConfiguration.declared {
      let value = try #require(Self.other(setting))
      keys.append(key(try configuration(model: [setting.name: value])))
    }
    for setting in TrainingConfiguration.declared {
      let value = try #require(Self.other(setting))
      keys.append(key(try configuration(training: [setting.name: value])))
    }
    keys.append(key(try configuration(seed: 1)))
    #expect(Set(keys).count == keys.count)
  }

  @Test func everyPartOfTheTaskCounts() throws {
    var keys = [key(try configuration())]
    let settings = try Parity.make(["length": .integer(9)]).settings.values
    for part in [\TaskConfiguration.train, \.validation, \.test] {
      var other = try configuration()
      other.task[keyPath: part][0].settings = settings
      keys.append(key(other))
      other = try configuration()
      other.task[keyPath: part][0].examples = 101
      keys.append(key(other))
      other = try configuration()
      other.task[keyPath: part].append(other.task[keyPath: part][0])
      keys.append(key(other))
    }
    var stream = try configuration()
    stream.task.train[0].examples = nil
    keys.append(key(stream))
    #expect(Set(keys).count == keys.count)
  }

  @Test(arguments: MixerCatalog.all.map { $0.info.name })
  func settingsOfMixersCountAndSurviveJSON(_ name: String) throws {
    let registry = MixerRegistry()
    let declared = try registry.type(named: name).info.settings
    var given: [[String: SettingValue]] = [[:]]
    for setting in declared {
      given.append([setting.name: try #require(Self.other(setting))])
    }
    var keys: Set<String> = []
    for settings in given {
      let resolved = try registry.resolved(name, settings)
      #expect(Set(resolved.settings.keys) == Set(declared.map(\.name)))
      let cell = try configuration(resolved)
      keys.insert(key(cell))
      let bytes = RecordCoding.compact(cell)
      let read = try JSONDecoder().decode(CellConfiguration.self, from: Data(bytes))
      #expect(key(read) == key(cell))
      #expect(RecordCoding.compact(read) == bytes)
      // Numbers such as 16.0 come back as whole ones, and are normal again once resolved.
      #expect(
        try registry.resolved(name, read.model.mixers[0].settings).settings == resolved.settings)
    }
    #expect(keys.count == given.count)
    #expect(
      key(try configuration(try registry.resolved(name, [:])))
        == key(try configuration(try registry.resolved(name, defaults(of: declared)))))
  }

  private func defaults(of declared: [Setting]) -> [String: SettingValue] {
    Dictionary(uniqueKeysWithValues: declared.map { ($0.name, $0.defaultValue) })
  }

  @Test func versionsCount() throws {
    let configuration = try configuration()
    let versions = [
      Self.versions, CellVersions(program: "2", task: 1, mixers: ["gru": 1]),
      CellVersions(program: "1", task: 2, mixers: ["gru": 1]),
      CellVersions(program: "1", task: 1, mixers: ["gru": 2]),
    ]
    let keys = versions.map { CellKey.make(configuration: configuration, versions: $0) }
    #expect(Set(keys).count == keys.count)
  }

  /// The key that the runner uses, for a grid with a part replaced.
  private func key(
    _ registries: Registries, replacing part: String = "", with other: String = ""
  ) throws -> String {
    let text = """
      name: keys
      baseline:
        task: {name: copy, validation: {examples: 8}, test: {examples: 8}}
        model: {mixer: flaky, width: 8}
        training: {steps: 3}
      """
    try #require(part.isEmpty || text.contains(part))
    let tiny = try TinyRun(text.replacing(part, with: other), known: registries)
    return try #require(try tiny.runner().workload(tiny.plan, retryFailed: false).keys.first)
  }

  @Test func theRunnerKnowsTheVersions() throws {
    let first = Registries.with(mixer: SoundMixer.self, task: CopyTask<FirstCopy>.self)
    let mixer = Registries.with(mixer: NewerMixer.self, task: CopyTask<FirstCopy>.self)
    let task = Registries.with(mixer: SoundMixer.self, task: CopyTask<SecondCopy>.self)
    let found = [try key(first), try key(mixer), try key(task)]
    #expect(Set(found).count == 3)
    #expect(try key(first) == found[0])
  }

  @Test func labelsAndSpellingDoNotCount() throws {
    let known = Registries.with(mixer: SoundMixer.self, task: CopyTask<FirstCopy>.self)
    let plain = try key(known)
    #expect(try key(known, replacing: "width: 8", with: "width: 8, label: Mine") == plain)
    #expect(try key(known, replacing: "name: copy", with: "name: copy, label: Yours") == plain)
    #expect(try key(known, replacing: "name: keys", with: "name: other") == plain)
    #expect(try key(known, replacing: "steps: 3", with: "batch: 64, steps: 3.0") == plain)
    #expect(try key(known, replacing: "steps: 3", with: "steps: 4") != plain)
    #expect(try key(known, replacing: "width: 8", with: "width: 16") != plain)
  }
}
