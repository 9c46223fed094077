import Architectures
import Autograd
import Configuration
import Foundation
import Harness
import Platform
import Randomness
import Records
import Synchronization
import TaskGenerators

/// A folder that is gone after the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "hysteresis-" + UUID().uuidString
    try Files.makeFolder(path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A grid of tiny cells in a folder of its own, and what the runner makes of it.
struct TinyRun {
  static let grid = """
    name: tiny
    baseline:
      task: {name: parity, length: {from: 3, to: 60}, validation: {examples: 16}, test: {examples: 24}}
      model: {mixer: gru, width: 8, layers: 1}
      training: {steps: 6, batch: 4, evaluateEvery: 2}
    product:
      model.mixer: [gru, delta-net]

    """

  let folder: TemporaryFolder
  let plan: Plan
  let registries: Registries
  var store: RunStore { RunStore(folder.path + "/store") }

  /// Plans a grid.
  ///
  /// - Parameters:
  ///   - text: The grid.
  ///   - known: What the plan may ask for.
  ///   - registries: What the runner has; the same otherwise.
  ///   - folder: Where its store is; a new folder otherwise.
  /// - Throws: `GridError` where the grid is wrong.
  init(
    _ text: String = grid, known: Registries = Registries(), running registries: Registries? = nil,
    folder: TemporaryFolder? = nil
  ) throws {
    self.folder = try folder ?? TemporaryFolder()
    self.registries = registries ?? known
    plan = try Grid(text: text, file: "g.yaml").plan(catalog: known.gridCatalog)
  }

  /// What happened, by the cells' numbers.
  struct Log {
    var outcome: GridOutcome
    var started: Set<Int>
    var records: [Int: CellRecord]
    var lost: [Int: String]
    var elsewhere: Set<Int>
    var notices: [String]
  }

  func runner(jobs: Int = 1, options: RunOptions = RunOptions()) -> GridRunner {
    GridRunner(registries, store: store, jobs: jobs, devices: .processor, options: options)
  }

  func pending(retryFailed: Bool = false) throws -> [Int] {
    try runner().workload(plan, retryFailed: retryFailed).pending
  }

  @discardableResult
  func run(
    jobs: Int = 1, retryFailed: Bool = false, options: RunOptions = RunOptions(),
    watch: @escaping @Sendable (GridEvent) -> Void = { _ in }
  ) throws -> Log {
    let runner = runner(jobs: jobs, options: options)
    let log = Mutex(
      Log(outcome: GridOutcome(), started: [], records: [:], lost: [:], elsewhere: [], notices: []))
    let outcome = runner.run(try runner.workload(plan, retryFailed: retryFailed)) { event in
      watch(event)
      log.withLock { log in
        switch event {
        case .started(let cell, _): log.started.insert(cell)
        case .progress, .left: break
        case .elsewhere(let cell, _): log.elsewhere.insert(cell)
        case .notice(let text): log.notices.append(text)
        case .ended(let cell, _, let record, _): log.records[cell] = record
        case .lost(let cell, _, let reason): log.lost[cell] = reason
        }
      }
    }
    return log.withLock { log in
      log.outcome = outcome
      return log
    }
  }

  /// The bytes of all records by file name.
  func recordFiles() throws -> [String: [UInt8]] {
    let cells = store.folder + "/cells"
    guard Files.isFolder(cells) else { return [:] }
    var files: [String: [UInt8]] = [:]
    for name in try Files.list(cells) { files[name] = try Files.read(cells + "/" + name) }
    return files
  }
}

// MARK: - Mixers and tasks that fail

/// Passes its input on.
struct SoundMixer: SequenceMixer {
  static let info = MixerInfo(
    name: "flaky", summary: "", recurrence: "", paper: "", settings: [],
    eigenvalues: { _ in "none" }, stateTracking: { _ in .none })
  init(settings: SettingValues, context: MixerContext) throws(SettingError) {}
  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable { x }
  func stateSize(length: Int) -> Int { 0 }
}

/// The same under another version.
struct NewerMixer: SequenceMixer {
  static let info = MixerInfo(
    name: "flaky", summary: "", recurrence: "", paper: "", version: 2, settings: [],
    eigenvalues: { _ in "none" }, stateTracking: { _ in .none })
  init(settings: SettingValues, context: MixerContext) throws(SettingError) {}
  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable { x }
  func stateSize(length: Int) -> Int { 0 }
}

/// Planned as sound, and then impossible to build.
struct BrokenMixer: SequenceMixer {
  static let info = SoundMixer.info
  init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    throw SettingError("depth", "this mixer cannot be built")
  }
  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable { x }
  func stateSize(length: Int) -> Int { 0 }
}

/// Two bits and a copy of the first; its versions differ and one of them cannot be made.
struct CopyTask<Kind: CopyTaskKind>: TaskGenerator {
  static var info: TaskInfo {
    TaskInfo(
      name: "copy", summary: "", picture: "", paper: "", version: Kind.version, settings: [],
      slices: [], metric: .tokenAccuracy)
  }

  let settings: SettingValues
  var vocabulary: Int { 2 }
  var maximumLength: Int { 2 }
  var maximumTargets: Int { 1 }
  var chance: Double { 0.5 }

  init(settings: SettingValues) throws(SettingError) {
    if Kind.fails { throw SettingError("bits", "this task cannot be made") }
    self.settings = settings
  }

  func write(using random: inout RandomSource, into example: inout Example) {
    example.reset(length: 2)
    example.tokens.withUnsafeMutableBufferPointer { random.fillBits($0) }
    example.targets = solve(example.tokens)
  }

  func solve(_ tokens: [Int32]) -> [Target] { [Target(position: 1, token: tokens[0])] }
  func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    [Target(position: 1, token: Int32(random.bit()))]
  }
  func describe(_ example: Example) -> [String] { example.tokens.map { "bit \($0)" } }
}

protocol CopyTaskKind: Sendable {
  static var version: Int { get }
  static var fails: Bool { get }
}

enum FirstCopy: CopyTaskKind {
  static let version = 1
  static let fails = false
}

enum SecondCopy: CopyTaskKind {
  static let version = 2
  static let fails = false
}

enum FailingCopy: CopyTaskKind {
  static let version = 1
  static let fails = true
}

extension Registries {
  /// The suite's own, and some more.
  static func with(
    mixer: (any SequenceMixer.Type)? = nil, task: (any TaskGenerator.Type)? = nil
  ) -> Registries {
    var registries = Registries()
    if let mixer { registries.mixers.add(mixer) }
    if let task { registries.tasks = registries.tasks.adding(task) }
    return registries
  }
}
