public import Configuration

/// The result of one cell of a grid, with everything that a report says about it.
///
/// It holds nothing that differs between two runs of the same cell (no times, no machine), so
/// records of equal cells are equal bytes; `CellTiming` has the rest.
public struct CellRecord: Codable, Sendable, Hashable {
  /// The version of the record's form that this program reads and writes.
  public static let currentSchema = 1

  /// How the cell ended.
  public enum Status: String, Codable, Sendable, CaseIterable {
    case finished
    /// The loss became NaN or exploded: a result, not a fault.
    case diverged
    /// No result, for a reason that is not the model's.
    case failed
  }

  public var schema: Int
  /// The name of the cell: a hash of all that determines its numbers.
  public var key: String
  public var labels: CellLabels
  /// The complete configuration.
  public var configuration: CellConfiguration
  /// The dotted paths in the configuration of what is chosen on validation, such as
  /// `training.learningRate`; a path crosses lists without an index.
  public var tuned: [String]
  public var versions: CellVersions
  public var status: Status
  /// Why the cell diverged or failed.
  public var reason: String?
  public var task: TaskFacts
  /// Nil where the cell failed before there was a model.
  public var model: ModelFacts?
  public var training: TrainingFacts
  /// The scores at the selected step; nil where there is none.
  public var validation: Scores?
  /// One entry per test segment.
  public var test: [SegmentResult]
  /// The scores of all test segments together; nil where there are none.
  public var testOverall: Scores?
  /// Where the predictions come from, of a model that was trained elsewhere; nil for the suite's own.
  public var external: ExternalFacts?

  public init(
    key: String, labels: CellLabels, configuration: CellConfiguration, tuned: [String],
    versions: CellVersions, status: Status, reason: String? = nil, task: TaskFacts,
    model: ModelFacts?, training: TrainingFacts, validation: Scores? = nil,
    test: [SegmentResult] = [], testOverall: Scores? = nil, external: ExternalFacts? = nil
  ) {
    schema = Self.currentSchema
    self.key = key
    self.labels = labels
    self.configuration = configuration
    self.tuned = tuned
    self.versions = versions
    self.status = status
    self.reason = reason
    self.task = task
    self.model = model
    self.training = training
    self.validation = validation
    self.test = test
    self.testOverall = testOverall
    self.external = external
  }
}

/// What tables call the row and the column of a cell.
public struct CellLabels: Codable, Sendable, Hashable {
  public var task: String
  public var model: String

  public init(task: String, model: String) {
    self.task = task
    self.model = model
  }
}

/// The versions of what produces a cell's numbers.
public struct CellVersions: Codable, Sendable, Hashable {
  /// The program's; it changes only when equal configurations give other numbers than before.
  public var program: String
  /// The task's, from its entry in the catalogue.
  public var task: Int
  /// The mixers', by name.
  public var mixers: [String: Int]

  public init(program: String, task: Int, mixers: [String: Int]) {
    self.program = program
    self.task = task
    self.mixers = mixers
  }
}
