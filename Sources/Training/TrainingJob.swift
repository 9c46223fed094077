package import Configuration

/// What a cell's training is made from.
package struct TrainingJob {
  package var model: ModelConfiguration
  package var training: TrainingConfiguration
  package var seed: Int
  package var vocabulary: Int
  package var maximumLength: Int
  package var metric: Metric
  package var train: [DataSegment]
  package var validation: [DataSegment]
  package var test: [DataSegment]

  package init(
    model: ModelConfiguration, training: TrainingConfiguration, seed: Int, vocabulary: Int,
    maximumLength: Int, metric: Metric, train: [DataSegment], validation: [DataSegment],
    test: [DataSegment]
  ) {
    self.model = model
    self.training = training
    self.seed = seed
    self.vocabulary = vocabulary
    self.maximumLength = maximumLength
    self.metric = metric
    self.train = train
    self.validation = validation
    self.test = test
  }
}

/// A place on the learning curve.
package struct CurveSample: Sendable, Codable, Equatable {
  package var step: Int
  /// The mean training loss since the sample before.
  package var loss: Double
  /// The learning rate of the last step.
  package var learningRate: Double
  package var validation: Tally
  /// The metric that models are chosen by.
  package var metric: Metric

  package var score: Double? { validation.value(metric) }
}

/// What happened in training, for whoever watches.
package enum TrainingEvent: Sendable {
  case step(Int, of: Int, loss: Double?, tokens: Int)
  case validated(CurveSample)
}

/// What came out of a cell.
package struct TrainingOutcome: Sendable {
  package enum Status: Sendable { case finished, diverged, interrupted }
  package var status: Status
  package var steps = 0
  /// The step whose parameters were tested: the best on validation.
  package var selectedStep = 0
  package var stoppedEarly = false
  package var examples = 0
  package var tokens = 0
  package var curve: [CurveSample] = []
  package var validation = Tally()
  package var test: [SegmentTally] = []
  package var trainSeconds = 0.0
  package var evaluateSeconds = 0.0

  package init(status: Status) { self.status = status }

  init(_ status: Status, _ progress: TrainingProgress, test: [SegmentTally] = []) {
    self.status = status
    steps = progress.steps
    selectedStep = progress.best?.step ?? 0
    stoppedEarly = progress.stoppedEarly
    examples = progress.examples
    tokens = progress.tokens
    curve = progress.curve
    validation = progress.best?.validation ?? Tally()
    self.test = test
    trainSeconds = progress.trainSeconds
    evaluateSeconds = progress.evaluateSeconds
  }
}
