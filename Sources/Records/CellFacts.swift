public import Configuration

/// What a record says of its task.
public struct TaskFacts: Codable, Sendable, Hashable {
  /// A line beside the models' in every table: a solver that is no neural network.
  public struct Baseline: Codable, Sendable, Hashable {
    public var name: String
    public var value: Double

    public init(name: String, value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// The name of the score by which models are chosen and compared.
  public var metric: String
  /// What a well-defined guess scores on the test examples.
  public var chance: Double
  public var baselines: [Baseline]
  public var vocabulary: Int

  public init(metric: String, chance: Double, baselines: [Baseline] = [], vocabulary: Int) {
    self.metric = metric
    self.chance = chance
    self.baselines = baselines
    self.vocabulary = vocabulary
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
  /// The floats of the recurrent state, all layers together, at the longest test length.
  public var stateFloats: Int
  public var stateBytes: Int
  public var mixers: [Mixer]

  public init(parameters: Int, stateFloats: Int, stateBytes: Int, mixers: [Mixer]) {
    self.parameters = parameters
    self.stateFloats = stateFloats
    self.stateBytes = stateBytes
    self.mixers = mixers
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

  public init(
    settings: [String: SettingValue], examples: Int, chance: Double, scores: Scores,
    slices: [SliceResult]
  ) {
    self.settings = settings
    self.examples = examples
    self.chance = chance
    self.scores = scores
    self.slices = slices
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
