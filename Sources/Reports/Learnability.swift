/// How easily a model learns a task, beside how well it then does.
///
/// Recurrent models often succeed only in a narrow window of learning rates, so that a table of
/// one rate confounds what a model can express with how hard it is to optimise.
public struct Learnability: Codable, Sendable, Hashable {
  /// The mean validation score over seeds at a learning rate, with the best of what else is tuned.
  public struct Rate: Codable, Sendable, Hashable {
    public let learningRate: Double
    public let validation: Double
  }

  /// The learning rates around the best one, without a gap, that hold within 0.05 of its score.
  public struct Window: Codable, Sendable, Hashable {
    public let lowest: Double
    public let highest: Double
    /// The width, log10 of the highest over the lowest.
    public let decades: Double
    /// Whether it touches an end of the rates that were tried, so that it may be wider.
    public let isLowerBound: Bool
    /// The number of rates in it.
    public let rates: Int
  }

  /// The rates that were tried, ascending; nil of a single one, which tells nothing of a window.
  public let rates: [Rate]?
  /// Nil where a single rate was tried, and where the best is no better than a guess by 0.05.
  public let window: Window?
  /// The score from which on a seed solves the task: 0.9 of an accuracy, 0.1 of a distance; nil
  /// where the metric has no perfect score.
  public let threshold: Double?
  /// The seeds of the chosen setting whose test score reaches the threshold, of how many.
  public let solved: Int
  public let seeds: Int
  /// The seeds of the chosen setting whose validation score ever reaches the threshold.
  public let reached: Int
  /// The median over seeds of the first validated step that reaches the threshold; nil where half
  /// of the seeds never do.
  public let steps: Double?

  /// The share of the seeds that solve the task; nil without a threshold or a seed.
  public var solvedShare: Double? {
    threshold == nil || seeds == 0 ? nil : Double(solved) / Double(seeds)
  }
}
