public import Records

/// Everything that tables and plots show, made from records alone.
public struct Report: Codable, Sendable, Hashable {
  /// A task and model of the plan without all of its records.
  public struct Gap: Codable, Sendable, Hashable {
    public let task: String
    public let model: String
    public let missing: Int
  }

  /// A cell without a score of its own, and why.
  public struct Unfinished: Codable, Sendable, Hashable {
    public let key: String
    public let task: String
    public let model: String
    public let seed: Int
    public let tuned: [TunedSetting]
    public let status: CellRecord.Status
    public let reason: String
  }

  /// The grid's name.
  public let name: String
  public let description: String
  /// How the setting of each row was chosen.
  public let selection: Selection
  /// The names of all models in the order of the grid: the rows of tables.
  public var models: [String]
  public var tasks: [TaskReport]
  /// The cells of the plan that have no record.
  public let gaps: [Gap]
  /// The cells that diverged or failed.
  public let unfinished: [Unfinished]
  /// The points published elsewhere that are drawn beside the results; nil of none.
  public var published: [PublishedPoint]?

  /// Shows what was published elsewhere beside the results.
  ///
  /// - Returns: The names of the published scores that are no models of the report.
  public mutating func add(_ results: PublishedResults) -> [String] {
    published = results.points.isEmpty ? nil : results.points
    for index in tasks.indices {
      let (name, known) = (tasks[index].name, Set(tasks[index].results.map(\.model)))
      let own = results.scores.filter {
        ($0.task == nil || $0.task == name) && known.contains($0.model)
      }
      tasks[index].published = own.isEmpty ? nil : own
    }
    return Set(results.scores.map(\.model)).subtracting(models).sorted().map(Escaping.line)
  }
}

/// A range of values, both ends included.
public struct Span: Codable, Sendable, Hashable {
  public let from: Int
  public let to: Int

  var text: String { from == to ? String(from) : "\(from)–\(to)" }
}

/// The results on one task setting.
public struct TaskReport: Codable, Sendable, Hashable {
  public let name: String
  /// The name of the score by which models are chosen and compared.
  public let metric: String
  public let chance: Double
  /// What the task's exact solver scores, by every task's contract a perfect score; nil where the
  /// metric has none.
  public let oracle: Double?
  public let baselines: [TaskFacts.Baseline]
  /// The baselines' scores over the seeds of the test data, in the order of the baselines.
  public let baselineScores: [Statistic?]?
  /// The lengths seen in training, where the task has a setting for them.
  public let trainingLengths: Span?
  /// One result per model that has records, in the order of the report's models.
  public var results: [ModelResult]
  /// The chance line of each band of each slice.
  public let bands: [BandChance]
  /// The chance line of each test segment.
  public let segments: [SegmentChance]
  /// The metrics reported beside the headline, with their chance lines; nil of none, as all below.
  public let further: [TaskFacts.Further]?
  /// What the baselines scored in each segment and band.
  public let baselineParts: [BaselineParts]?
  /// The names of the columns that are the difference of two bands.
  public let gaps: [String]?
  /// The names of the columns that say up to where a score is reached.
  public let reaches: [String]?
  /// The tables of two slices that there is one of for each model.
  public let grids: [GridAxes]?
  /// Scores of its models that were published elsewhere.
  public var published: [PublishedScore]?
}

/// What a baseline scored by the task's headline metric in the parts of the test data.
public struct BaselineParts: Codable, Sendable, Hashable {
  public let name: String
  /// One entry per entry of the task's segments; nil where it was not measured.
  public let segments: [Double?]
  /// One entry per entry of the task's bands; nil where it was not measured.
  public let bands: [Double?]
}

/// The rows and columns of a table of two slices.
public struct GridAxes: Codable, Sendable, Hashable {
  /// The name of the slice that has a row for each band.
  public let rows: String
  public let columns: String
  public let rowBands: [Span]
  public let columnBands: [Span]
}

/// What a guess scores in a band of a slice.
public struct BandChance: Codable, Sendable, Hashable {
  public let slice: String
  public let band: Span
  public let chance: Double
}

/// What a guess scores in a test segment.
public struct SegmentChance: Codable, Sendable, Hashable {
  /// The settings in which the segment differs from the others.
  public let name: String
  public let chance: Double
}

/// What a model scored on a task with the setting that was best on validation.
public struct ModelResult: Codable, Sendable, Hashable {
  public let model: String
  /// The model apart from its size: the models of a series are points of one line.
  public let series: String
  /// The settings that were best on validation.
  public let chosen: [TunedSetting]
  /// The number of settings they were chosen from.
  public let candidates: Int
  /// The numbers of seeds at the chosen setting by how they ended.
  public let finished: Int
  public let diverged: Int
  public let failed: Int
  /// Whether another program trained the model, so that only its predictions are known; nil for no.
  public let isExternal: Bool?
  /// The score at the selected step, over seeds; a diverged seed counts as a guess.
  public let validation: Statistic?
  /// The test score by the task's metric, over seeds; a diverged seed counts as a guess.
  public let score: Statistic?
  /// The seeds of the score's values, in their order.
  public let seedNumbers: [Int]
  /// The mean test score on a scale from chance (0) to perfect (1).
  public let scaled: Double?
  /// The means of all scores over the seeds that finished.
  public let scores: Scores?
  public let parameters: Int?
  public let stateBytes: Int?
  /// The range of the transition's eigenvalues.
  public let eigenvalues: String?
  /// The floating-point operations of training per token; nil where no record says.
  public let flopsPerToken: Double?
  /// The mean over seeds of the tokens trained on.
  public let trainingTokens: Double?
  /// How easily the model learns the task; nil where the setting was not chosen on validation.
  public let learnability: Learnability?
  /// One entry per entry of the task's segments.
  public let segments: [Statistic]
  /// One entry per entry of the task's bands; nil where the model has no such band.
  public let bands: [Statistic?]
  public let curve: [CurveMean]
  /// One entry per entry of the task's further metrics.
  public let further: [Statistic?]?
  /// One entry per entry of the task's gaps.
  public let gaps: [Statistic?]?
  /// One entry per entry of the task's reaches; nil where not even the least value is reached.
  public let reaches: [Int?]?
  /// The mean scores of each of the task's grids, row by row; nil where nothing was tested.
  public let grids: [[[Double?]]]?
  /// The median training throughput at the chosen setting; left out where times were not asked
  /// for, because they differ between runs.
  public var tokensPerSecond: Double?
  /// The median time of a cell at the chosen setting, left out likewise.
  public var wallSeconds: Double?

  /// The mean over seeds of the floating-point operations of training.
  public var trainingFLOPs: Double? {
    guard let flopsPerToken, let trainingTokens else { return nil }
    return flopsPerToken * trainingTokens
  }
}

/// The mean over seeds of the validation score and the training loss at a step.
public struct CurveMean: Codable, Sendable, Hashable {
  public let step: Int
  public let score: Double
  public let loss: Double
}
