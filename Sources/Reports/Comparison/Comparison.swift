import Records

/// Models, architectures, tasks or stores side by side, with what the seeds say of the differences.
public struct Comparison: Codable, Sendable, Hashable {
  /// What is compared.
  public enum Axis: String, Codable, Sendable, CaseIterable {
    /// All models of each task, from all stores together.
    case model
    /// The model of each architecture that is best on validation.
    case architecture
    /// One row for each task, one column for each model.
    case task
    /// One column for each store.
    case store
  }

  /// What is compared on one task.
  public struct Task: Codable, Sendable, Hashable {
    public let name: String
    public let metric: String
    /// What a guess scores by the metric; nil where that is not known.
    public let chance: Double?
    /// What the exact solver scores by it; nil where the metric has no perfect score.
    public let oracle: Double?
    public let baselines: [BaselineScore]
    /// The name of what all others are compared with; nil where the task has not got it.
    public let reference: String?
    public let rows: [Row]
  }

  /// A solver without learning.
  public struct BaselineScore: Codable, Sendable, Hashable {
    public let name: String
    public let value: Double
  }

  /// A model on a task, with the setting that was chosen.
  public struct Row: Codable, Sendable, Hashable {
    public let model: String
    /// The model's sequence mixers.
    public let architecture: String
    /// The number of models of the architecture from which it was chosen; nil where all are shown.
    public let models: Int?
    /// The stores that its cells come from.
    public let stores: [String]
    /// The test score; a diverged seed counts as a guess, where that has a score.
    public let score: Statistic?
    /// The seeds of the score's values, in their order.
    public let seedNumbers: [Int]
    public let finished: Int
    public let diverged: Int
    public let failed: Int
    public let chosen: [TunedSetting]
    /// The number of settings that were tried.
    public let candidates: Int
    public let parameters: Int?
    public let stateBytes: Int?
    public let flopsPerToken: Double?
    /// Medians over the seeds; nil where the stores have no times.
    public let tokensPerSecond: Double?
    public let wallSeconds: Double?
    /// Nil for the reference itself, and where the two have no seed in common.
    public internal(set) var difference: PairedDifference?
  }

  /// A cell that two stores have with different results.
  public struct Conflict: Codable, Sendable, Hashable {
    public let key: String
    public let task: String
    public let model: String
    /// The store whose result is used, and the other one.
    public let used: String
    public let other: String
  }

  public let axis: Axis
  public let selection: Selection
  /// The names of the stores.
  public let stores: [String]
  public let tasks: [Task]
  /// The number of cells that further stores have with the same result.
  public let duplicates: Int
  /// The cells that several stores have with different results.
  public let conflicts: [Conflict]
}

/// The difference of two scores over the seeds that both have: their data is the same.
public struct PairedDifference: Codable, Sendable, Hashable {
  /// What is subtracted.
  public let reference: String
  public let seedNumbers: [Int]
  /// The differences of the single seeds, and the interval of their mean.
  public let statistic: Statistic

  /// Whether the seeds support that there is a difference: the interval leaves out 0.
  ///
  /// With two or three seeds the interval spans all differences, so that all must have one sign;
  /// a single seed supports nothing.
  public var isSupported: Bool {
    guard let lower = statistic.lower, let upper = statistic.upper else { return false }
    return lower > 0 || upper < 0
  }

  private enum CodingKeys: String, CodingKey {
    case reference, seedNumbers, statistic, isSupported
  }

  /// The differences of the common seeds; nil where there are none.
  init?(_ values: [Int: Double], less others: [Int: Double], named reference: String) {
    let seeds = values.keys.filter { others[$0] != nil }.sorted()
    let differences = seeds.compactMap { seed in
      others[seed].flatMap { other in values[seed].map { $0 - other } }
    }
    guard let statistic = Statistic(differences) else { return nil }
    self.reference = reference
    seedNumbers = seeds
    self.statistic = statistic
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reference = try container.decode(String.self, forKey: .reference)
    seedNumbers = try container.decode([Int].self, forKey: .seedNumbers)
    statistic = try container.decode(Statistic.self, forKey: .statistic)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(reference, forKey: .reference)
    try container.encode(seedNumbers, forKey: .seedNumbers)
    try container.encode(statistic, forKey: .statistic)
    try container.encode(isSupported, forKey: .isSupported)
  }
}
