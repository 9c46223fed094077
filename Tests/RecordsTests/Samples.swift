import Configuration

@testable import Records

/// Made-up records for the tests.
enum Samples {
  static func scores(_ accuracy: Double, tokens: Int = 400, examples: Int = 100) -> Scores {
    Scores(
      tokenAccuracy: accuracy, exampleAccuracy: accuracy, sequenceAccuracy: accuracy / 2,
      loss: 1 - accuracy / 3, tokens: tokens, examples: examples)
  }

  static func configuration(
    learningRate: Double = 0.1, seed: Int = 0
  ) throws -> CellConfiguration {
    let segment = SegmentConfiguration(
      settings: ["length": .range(3...40), "mode": .text("final")], examples: nil)
    let test = SegmentConfiguration(settings: ["length": .range(40...256)], examples: 100)
    return CellConfiguration(
      task: TaskConfiguration(name: "parity", train: [segment], validation: [test], test: [test]),
      model: try ModelConfiguration(
        mixers: [MixerConfiguration(name: "delta-net", settings: ["heads": .integer(2)])],
        ["width": .integer(32)]),
      training: try TrainingConfiguration(["learningRate": .number(learningRate)]), seed: seed)
  }

  static let versions = CellVersions(program: "1.0", task: 2, mixers: ["delta-net": 1])

  static func record(
    learningRate: Double = 0.1, seed: Int = 0, loss: Double = 0.25, reason: String? = nil
  ) throws -> CellRecord {
    let configuration = try configuration(learningRate: learningRate, seed: seed)
    let slice = SliceResult(name: "length", from: 41, to: 80, scores: scores(0.8))
    return CellRecord(
      key: CellKey.make(configuration: configuration, versions: versions),
      labels: CellLabels(task: "parity", model: "delta-net"), configuration: configuration,
      tuned: ["training.learningRate"], versions: versions, status: .finished, reason: reason,
      task: TaskFacts(
        metric: "tokenAccuracy", chance: 0.5, baselines: [.init(name: "majority", value: 0.51)],
        vocabulary: 2),
      model: ModelFacts(
        parameters: 12345, stateFloats: 256, stateBytes: 1024,
        mixers: [.init(name: "delta-net", eigenvalues: "[-1, 1]")]),
      training: TrainingFacts(
        steps: 100, selectedStep: 50, examples: 6400, tokens: 1_000_000, stoppedEarly: false,
        curve: [
          CurvePoint(step: 50, loss: loss, learningRate: learningRate / 3, validation: scores(0.7))
        ]),
      validation: scores(0.7),
      test: [
        SegmentResult(
          settings: ["length": .range(40...256)], examples: 100, chance: 0.5, scores: scores(0.8),
          slices: [slice])
      ], testOverall: scores(0.8))
  }

  static func timing(_ key: String) -> CellTiming {
    CellTiming(
      key: key, wallSeconds: 10.5, trainSeconds: 9, evaluateSeconds: 1, tokensPerSecond: 123456.75,
      stepsPerSecond: 11, host: "host", cpu: "cpu", cpuLevel: "x86-64-v4", device: "cpu", jobs: 2,
      startedAt: "2024-05-06T07:08:09Z", program: "1.0")
  }
}
