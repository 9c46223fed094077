/// Everything that determines the numbers of one cell of a grid: one task setting, one model, one
/// training setting, one seed.
///
/// It is complete (defaults are filled in) and normalised, so equal configurations encode to equal
/// bytes; a cell's key is a hash of those bytes.
public struct CellConfiguration: Codable, Sendable, Hashable {
  public var task: TaskConfiguration
  public var model: ModelConfiguration
  public var training: TrainingConfiguration
  /// Determines the data, the initial parameters and the order of the batches.
  public var seed: Int

  public init(
    task: TaskConfiguration, model: ModelConfiguration, training: TrainingConfiguration, seed: Int
  ) {
    self.task = task
    self.model = model
    self.training = training
    self.seed = seed
  }
}

/// A task and the data drawn from it for training, validation and test.
public struct TaskConfiguration: Codable, Sendable, Hashable {
  /// The task's name in the catalogue.
  public var name: String
  public var train: [SegmentConfiguration]
  public var validation: [SegmentConfiguration]
  public var test: [SegmentConfiguration]

  public init(
    name: String, train: [SegmentConfiguration], validation: [SegmentConfiguration],
    test: [SegmentConfiguration]
  ) {
    self.name = name
    self.train = train
    self.validation = validation
    self.test = test
  }
}

/// Examples of a task with one choice of its settings.
public struct SegmentConfiguration: Codable, Sendable, Hashable {
  /// The task's complete settings.
  public var settings: [String: SettingValue]
  /// The number of examples; nil for a stream in which no example returns (training only).
  public var examples: Int?

  public init(settings: [String: SettingValue], examples: Int?) {
    self.settings = settings
    self.examples = examples
  }
}

/// A sequence mixer and its complete settings.
public struct MixerConfiguration: Codable, Sendable, Hashable {
  /// The mixer's name in the catalogue.
  public var name: String
  public var settings: [String: SettingValue]

  public init(name: String, settings: [String: SettingValue] = [:]) {
    self.name = name
    self.settings = settings
  }
}
