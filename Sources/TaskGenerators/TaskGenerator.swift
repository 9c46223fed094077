public import Configuration
public import Randomness

/// A synthetic task: examples, an exact solver, and a line that any model must beat.
///
/// A conforming type is one choice of the task's settings. It knows no tensors. To add a task,
/// write one file with a conforming type and list it in `TaskCatalog.all`; the contract tests
/// then run over it.
public protocol TaskGenerator: Sendable {
  static var info: TaskInfo { get }

  /// Makes the task from its complete settings.
  ///
  /// - Throws: `SettingError` where settings that are right one by one are impossible together.
  init(settings: SettingValues) throws(SettingError)

  /// The settings that the task was made from; they are part of the name of its random streams.
  var settings: SettingValues { get }

  /// The number of token ids; tokens and targets lie in 0 ..< vocabulary.
  var vocabulary: Int { get }
  /// The greatest number of tokens of an example.
  var maximumLength: Int { get }
  /// The greatest number of scored positions of an example.
  var maximumTargets: Int { get }
  /// The expected token accuracy of `guess`.
  var chance: Double { get }

  /// Draws one example. The result depends on nothing but the settings and the random source.
  ///
  /// - Parameters:
  ///   - random: The example's own source.
  ///   - example: Overwritten; its arrays keep their capacity, so that a loop allocates nothing.
  func write(using random: inout RandomSource, into example: inout Example)

  /// The exact answers, found from the tokens alone.
  func solve(_ tokens: [Int32]) -> [Target]

  /// The best answers that need no memory of the task's kind; their accuracy is `chance`.
  func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target]

  /// What the tokens are, for people: one short text per token ("key 17", "bit 1", "filler").
  func describe(_ example: Example) -> [String]
}

/// What is known of a task before its settings are chosen.
public struct TaskInfo: Sendable {
  /// The name in grids and on the command line, as the literature writes it.
  public let name: String
  /// One line.
  public let summary: String
  /// A picture of an example and what is scored, for `list` and the documentation.
  public let picture: String
  public let paper: String
  /// Raised whenever the same settings and seed give other examples than before.
  public let version: Int
  public let settings: [Setting]
  /// The names of the slices that every example carries, in the order of `Example.slices`.
  public let slices: [String]
  /// The name of the score by which models are chosen and compared.
  public let metric: Metric

  public init(
    name: String, summary: String, picture: String, paper: String, version: Int,
    settings: [Setting], slices: [String], metric: Metric
  ) {
    self.name = name
    self.summary = summary
    self.picture = picture
    self.paper = paper
    self.version = version
    self.settings = settings
    self.slices = slices
    self.metric = metric
  }
}

/// A score, defined once for all tasks and reports.
public enum Metric: String, Sendable, Codable, CaseIterable {
  /// Right answers over scored positions, all examples together.
  case tokenAccuracy
  /// Right answers over scored positions of an example, averaged over examples.
  case exampleAccuracy
  /// Examples in which every scored position is right.
  case sequenceAccuracy
}

/// Which of the three disjoint streams of examples.
public enum Split: String, Sendable, Codable, CaseIterable {
  case train, validation, test
}

/// A scored position and the token that is right there.
///
/// The answer is read from the model's output at `position`, which has seen tokens 0 ... position.
public struct Target: Sendable, Hashable {
  public var position: Int32
  public var token: Int32

  public init(position: Int, token: Int32) {
    self.position = Int32(position)
    self.token = token
  }
}

/// One example of a task.
public struct Example: Sendable, Hashable {
  public var tokens: [Int32]
  /// In ascending order of position.
  public var targets: [Target]
  /// The values of the task's slices, in the order of `TaskInfo.slices`.
  public var slices: [Int]
  /// Where the question part starts, in tokens; 0 where there is no context part.
  public var questionStart: Int

  public init() {
    tokens = []
    targets = []
    slices = []
    questionStart = 0
  }
}
