import Configuration
import Records

/// Made-up records for the tests.
enum Samples {
  static func scores(_ accuracy: Double, tokens: Int = 1000) -> Scores {
    Scores(
      tokenAccuracy: accuracy, exampleAccuracy: accuracy, sequenceAccuracy: accuracy * accuracy,
      loss: 2 * (1 - accuracy), tokens: tokens, examples: tokens)
  }

  static func segment(_ settings: [String: SettingValue]) -> SegmentConfiguration {
    SegmentConfiguration(settings: settings, examples: 1000)
  }

  /// A record of a task with one test segment per length.
  static func record(
    task: String = "recall", model: String = "delta-net", mixer: String? = nil, width: Int = 32,
    learningRate: Double = 0.001, seed: Int = 0, chance: Double = 0.1,
    validation: Double = 0.5, test: [(length: Int, accuracy: Double)] = [(64, 0.5)],
    status: CellRecord.Status = .finished, stateBytes: Int = 1024, curve: [Double] = [],
    mixerSettings: [String: SettingValue] = [:]
  ) throws -> CellRecord {
    let segments = test.map { segment(["length": .integer($0.length)]) }
    let configuration = CellConfiguration(
      task: TaskConfiguration(
        name: task, train: [segment(["length": .range(8...64)])], validation: [segments[0]],
        test: segments),
      model: try ModelConfiguration(
        mixers: [MixerConfiguration(name: mixer ?? model, settings: mixerSettings)],
        ["width": .integer(width)]),
      training: try TrainingConfiguration(["learningRate": .number(learningRate)]), seed: seed)
    let versions = CellVersions(program: "1", task: 1, mixers: [:])
    let identity = CellKey.make(configuration: configuration, versions: versions) + task + model
    var record = CellRecord(
      key: String(contentHash(Array(identity.utf8)).prefix(16)),
      labels: CellLabels(task: task, model: model), configuration: configuration,
      tuned: ["training.learningRate"], versions: versions, status: status,
      reason: status == .finished ? nil : "made up",
      task: TaskFacts(metric: "tokenAccuracy", chance: chance, vocabulary: 16),
      model: ModelFacts(
        parameters: 100 * width, stateFloats: stateBytes / 4, stateBytes: stateBytes,
        mixers: [.init(name: mixer ?? model, eigenvalues: "[0, 1]")]),
      training: TrainingFacts(
        steps: 100 * curve.count,
        curve: curve.enumerated().map {
          CurvePoint(
            step: 100 * ($0 + 1), loss: 1 - $1, learningRate: learningRate, validation: scores($1))
        }))
    guard status == .finished else { return record }
    record.validation = scores(validation)
    record.test = test.map {
      SegmentResult(
        settings: ["length": .integer($0.length)], examples: 1000, chance: chance,
        scores: scores($0.accuracy), slices: [])
    }
    record.testOverall = Scores.combined(record.test.map(\.scores))
    return record
  }

  static func grid(_ records: [CellRecord], name: String = "sample") -> GridManifest {
    GridManifest(
      name: name, description: "made-up results", tuned: ["training.learningRate"],
      cells: records.map { .init(key: $0.key, labels: $0.labels) })
  }

  /// A whole store: every task, model, learning rate and seed.
  static func store(
    tasks: [String], models: [String], widths: [Int] = [32], learningRates: [Double] = [0.001],
    seeds: Int = 3, lengths: [Int] = [64, 128, 256, 512], points: Int = 10
  ) throws -> [CellRecord] {
    var records: [CellRecord] = []
    for (t, task) in tasks.enumerated() {
      for (m, model) in models.enumerated() {
        for width in widths {
          for rate in learningRates {
            for seed in 0..<seeds {
              let skill = skill(t, m, width: width, rate: rate, seed: seed)
              let chance = [0.1, 0.5, 0.02, 0.2][t % 4]
              let accuracies = lengths.map { length in
                let reach = 64 + 60 * Double(m * m) * Double(width) / 32
                let fade = 1 / (1 + (Double(length) / reach) * (Double(length) / reach) / 4)
                return (length, chance + (1 - chance) * min(1, skill * (0.3 + 0.9 * fade)))
              }
              let label = widths.count > 1 ? "\(model) d=\(width)" : model
              records.append(
                try record(
                  task: task, model: label, mixer: model, width: width, learningRate: rate,
                  seed: seed, chance: chance, validation: accuracies[0].1, test: accuracies,
                  stateBytes: (m == 0 ? 4096 : 256) * width * (m + 1),
                  curve: (1...max(1, points)).map { step in
                    let progress = Double(step) / Double(points)
                    let rise = progress * progress * (3 - 2 * progress)
                    return chance + (accuracies[0].1 - chance) * min(1, rise * (1 + Double(m) / 4))
                  }))
            }
          }
        }
      }
    }
    return records
  }

  private static func skill(_ t: Int, _ m: Int, width: Int, rate: Double, seed: Int) -> Double {
    let noise = Double((t * 31 + m * 17 + seed * 13 + width) % 11) / 11 - 0.5
    let base = [1.0, 0.55, 0.78, 0.9, 0.7, 0.97, 0.3, 0.85][(m + t * 3) % 8]
    let tuned = rate == 0.003 ? 1 : 0.9
    return min(1, max(0, tuned * base * (1 + Double(width) / 512) + 0.05 * noise))
  }
}
