public import Configuration

/// What a record says of its task.
public struct TaskFacts: Codable, Sendable, Hashable {
  /// A line beside the models' in every table: a solver that is no neural network.
  public struct Baseline: Codable, Sendable, Hashable {
    public var name: String
    /// Its score by the task's headline metric on the test examples.
    public var value: Double
    /// All its scores there.
    public var scores: Scores?

    public init(name: String, value: Double, scores: Scores? = nil) {
      self.name = name
      self.value = value
      self.scores = scores
    }
  }

  /// A metric that the task reports beside its headline.
  public struct Further: Codable, Sendable, Hashable {
    public var metric: String
    /// What a guess scores by it; nil where that is not known.
    public var chance: Double?

    public init(metric: String, chance: Double?) {
      self.metric = metric
      self.chance = chance
    }
  }

  /// The name of the headline metric, by which models are chosen and compared.
  public var metric: String
  /// What a well-defined guess scores by it on the test examples.
  public var chance: Double
  public var baselines: [Baseline]
  public var vocabulary: Int
  /// The metrics reported beside the headline; nil in records that do not say.
  public var further: [Further]?
  /// What reports make of the scores by slice.
  public var breakdowns: [Breakdown]?

  public init(
    metric: String, chance: Double, baselines: [Baseline] = [], vocabulary: Int,
    further: [Further]? = nil, breakdowns: [Breakdown]? = nil
  ) {
    self.metric = metric
    self.chance = chance
    self.baselines = baselines
    self.vocabulary = vocabulary
    self.further = further
    self.breakdowns = breakdowns
  }
}

/// What a record says of its model.
public struct ModelFacts: Codable, Sendable, Hashable {
  /// One of the model's sequence mixers.
  public struct Mixer: Codable, Sendable, Hashable {
    public var name: String
    /// The range of the transition's eigenvalues, for people: "[-1, 1]".
    public var eigenvalues: String

    public init(name: String, eigenvalues: String) {
      self.name = name
      self.eigenvalues = eigenvalues
    }
  }

  public var parameters: Int
  /// The floats of the recurrent state, all layers together, at the longest test length; nil where
  /// that is not known of a model that was trained elsewhere.
  public var stateFloats: Int?
  public var stateBytes: Int?
  public var mixers: [Mixer]
  /// The floating-point operations of a training step (forward, backward and optimiser; a product
  /// and a sum are two) for each token of its batch; nil in records that do not say.
  public var flopsPerToken: Double?

  public init(
    parameters: Int, stateFloats: Int?, stateBytes: Int?, mixers: [Mixer],
    flopsPerToken: Double? = nil
  ) {
    self.parameters = parameters
    self.stateFloats = stateFloats
    self.stateBytes = stateBytes
    self.mixers = mixers
    self.flopsPerToken = flopsPerToken
  }
}

/// What a record says of its training.
public struct TrainingFacts: Codable, Sendable, Hashable {
  public var steps: Int
  /// The step whose parameters scored best on validation and were tested.
  public var selectedStep: Int
  public var examples: Int
  public var tokens: Int
  public var stoppedEarly: Bool
  public var curve: [CurvePoint]

  public init(
    steps: Int = 0, selectedStep: Int = 0, examples: Int = 0, tokens: Int = 0,
    stoppedEarly: Bool = false, curve: [CurvePoint] = []
  ) {
    self.steps = steps
    self.selectedStep = selectedStep
    self.examples = examples
    self.tokens = tokens
    self.stoppedEarly = stoppedEarly
    self.curve = curve
  }
}

/// One validation during training.
public struct CurvePoint: Codable, Sendable, Hashable {
  public var step: Int
  /// The mean training loss since the previous point.
  public var loss: Double
  public var learningRate: Double
  public var validation: Scores

  public init(step: Int, loss: Double, learningRate: Double, validation: Scores) {
    self.step = step
    self.loss = loss
    self.learningRate = learningRate
    self.validation = validation
  }
}

/// The scores on one test segment.
public struct SegmentResult: Codable, Sendable, Hashable {
  /// The task's complete settings in this segment.
  public var settings: [String: SettingValue]
  public var examples: Int
  public var chance: Double
  public var scores: Scores
  public var slices: [SliceResult]
  /// The scores by two slices at once, where the task asks for such tables.
  public var grids: [GridResult]?
  /// The scores of the task's baselines, measured on some of the same examples.
  public var baselines: [BaselineResult]?

  public init(
    settings: [String: SettingValue], examples: Int, chance: Double, scores: Scores,
    slices: [SliceResult], grids: [GridResult]? = nil, baselines: [BaselineResult]? = nil
  ) {
    self.settings = settings
    self.examples = examples
    self.chance = chance
    self.scores = scores
    self.slices = slices
    self.grids = grids
    self.baselines = baselines
  }
}

/// What a baseline scored on a test segment.
public struct BaselineResult: Codable, Sendable, Hashable {
  public var name: String
  public var scores: Scores
  public var slices: [SliceResult]

  public init(name: String, scores: Scores, slices: [SliceResult]) {
    self.name = name
    self.scores = scores
    self.slices = slices
  }
}

/// The scores by two slices at once.
public struct GridResult: Codable, Sendable, Hashable {
  /// The scores on the examples that lie in a band of each slice.
  public struct Cell: Codable, Sendable, Hashable {
    public var row: ClosedRange<Int>
    public var column: ClosedRange<Int>
    public var scores: Scores

    public init(row: ClosedRange<Int>, column: ClosedRange<Int>, scores: Scores) {
      self.row = row
      self.column = column
      self.scores = scores
    }
  }

  /// The names of the slices.
  public var rows: String
  public var columns: String
  public var cells: [Cell]

  public init(rows: String, columns: String, cells: [Cell]) {
    self.rows = rows
    self.columns = columns
    self.cells = cells
  }
}

/// The scores on the examples whose slice (length, pairs, …) lies in a band.
public struct SliceResult: Codable, Sendable, Hashable {
  public var name: String
  public var from: Int
  /// The last value of the band; equal to `from` for an exact value.
  public var to: Int
  public var scores: Scores

  public init(name: String, from: Int, to: Int, scores: Scores) {
    self.name = name
    self.from = from
    self.to = to
    self.scores = scores
  }
}
