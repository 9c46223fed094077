package import Configuration
import DataSets
import Platform
package import Records
import TaskGenerators
import Training

/// Makes the record of a model that was trained elsewhere from its predictions.
///
/// The metrics come from the code that scores the suite's own models: `Marker`, `SegmentTally` and
/// `TestFacts`. Each example is made again when its line is read, so the memory does not depend on
/// what the lines hold beside the answers.
package struct ExternalScorer {
  /// What is scored, and what is known of the model.
  package struct Subject: Sendable {
    /// What tables call the task.
    package var label: String
    package var task: TaskConfiguration
    /// The seed of the data.
    package var seed: Int
    /// The model's name.
    package var name: String
    package var parameters: Int?
    package var stateBytes: Int?

    package init(
      label: String, task: TaskConfiguration, seed: Int, name: String, parameters: Int? = nil,
      stateBytes: Int? = nil
    ) {
      self.label = label
      self.task = task
      self.seed = seed
      self.name = name
      self.parameters = parameters
      self.stateBytes = stateBytes
    }
  }

  /// The longest name of a model.
  static let longestName = 120

  private let subject: Subject
  private let registries: Registries

  /// Makes a scorer.
  ///
  /// - Parameters:
  ///   - subject: What is scored.
  ///   - registries: Where the task is found.
  /// - Throws: `SettingError` for a name that no table can show.
  package init(_ subject: Subject, _ registries: Registries) throws(SettingError) {
    self.subject = subject
    self.registries = registries
    for (option, name) in [("--name", subject.name), ("--label", subject.label)] {
      let isPlain = name.unicodeScalars.allSatisfy(\.isPrintable)
      guard isPlain, !name.isEmpty, name.count <= Self.longestName,
        name.first?.isWhitespace == false, name.last?.isWhitespace == false
      else {
        throw SettingError(
          option, "\(option) '\(GridError.printable(name.shortened))' is no name for a table",
          help: "use up to \(Self.longestName) characters that can be seen")
      }
    }
  }

  /// Scores the predictions.
  ///
  /// - Parameter files: One file with the answers to all test segments, one after the other, or a
  ///   file for each.
  /// - Returns: The record. Its key is a hash of the task, the seed and the model's name.
  /// - Throws: `LineError` for a line that is wrong, `PredictionProblem` for what is missing, and
  ///   `FileError`.
  package func score(_ files: [String]) throws -> CellRecord {
    var task = subject.task
    let segments = try registries.segments(task.name, task.test)
    let vocabulary = try registries.data(task.segments).vocabulary
    var readers = segments.map {
      SegmentScorer($0, seed: UInt64(subject.seed), vocabulary: vocabulary)
    }
    var kind = LineKind()
    if files.count == 1 {
      try Self.read(files[0], into: &readers[...], &kind)
    } else {
      guard files.count == readers.count else {
        throw PredictionProblem(
          "\(files.count) files of predictions for \(readers.count) test segments; give one for "
            + "each, or one for all")
      }
      for place in readers.indices {
        try Self.read(files[place], into: &readers[place...place], &kind)
      }
    }
    // A number of examples that was not given is that of the lines.
    for place in readers.indices { task.test[place].examples = readers[place].count }
    return try record(of: task, readers)
  }

  /// Reads the answers to some segments, one after the other, from one file.
  private static func read(
    _ path: String, into readers: inout ArraySlice<SegmentScorer>, _ kind: inout LineKind
  ) throws {
    var lines = try InputLines(path)
    var numbering = Numbering()
    while let line = try lines.next({ (bytes) throws(TextProblem) in try PredictionLine(bytes) }) {
      do throws(TextProblem) {
        var index = try numbering.index(of: line)
        var first = 0
        var place = readers.startIndex
        while let count = readers[place].examples, index >= count, place + 1 < readers.endIndex {
          index -= count
          first += count
          place += 1
        }
        try readers[place].take(
          line, index: index, first: first, number: lines.line, kind: &kind)
      } catch {
        throw LineError(file: lines.file, line: lines.line, error)
      }
    }
    try checkAreComplete(readers, file: lines.file)
  }

  /// Checks that every example of a file was answered.
  private static func checkAreComplete(
    _ readers: ArraySlice<SegmentScorer>, file: String
  ) throws(PredictionProblem) {
    var wanted = 0
    var count = 0
    var first: Int?
    for reader in readers {
      for example in reader.missing {
        first = first ?? wanted + example
        count += 1
      }
      wanted += reader.wanted
    }
    guard wanted > 0 else { throw PredictionProblem("\(file): there are no predictions") }
    guard let first else { return }
    throw PredictionProblem(
      "\(file): \(count) of \(wanted) examples have no predictions; the first is example \(first)")
  }

  private func record(of task: TaskConfiguration, _ readers: [SegmentScorer]) throws -> CellRecord {
    var configuration = try configuration()
    configuration.task = task
    let facts = try TestFacts(configuration, registries)
    let model = subject.parameters.map { parameters in
      ModelFacts(
        parameters: parameters, stateFloats: subject.stateBytes.map { $0 / 4 },
        stateBytes: subject.stateBytes, mixers: [])
    }
    var answers: [UInt8] = []
    for reader in readers { reader.appendAnswers(to: &answers) }
    let versions = try versions()
    // The name is part of the key and the predictions are not: to score a model again replaces what
    // it scored before.
    var record = CellRecord(
      key: CellKey.make(configuration: configuration, versions: versions),
      labels: CellLabels(task: subject.label, model: subject.name),
      configuration: configuration, tuned: [], versions: versions, status: .finished,
      task: facts.task, model: model, training: TrainingFacts(),
      external: ExternalFacts(
        name: subject.name, predictions: contentHash(answers), scoredBy: ProgramVersion.text))
    facts.fill(&record, from: readers.map { $0.tally() })
    record.forgetUnknownDistances()
    return record
  }

  private func versions() throws(SettingError) -> CellVersions {
    let task = try registries.tasks.type(named: subject.task.name).info.version
    return CellVersions(
      program: ExternalFacts.label, task: task, mixers: [ExternalFacts.label: 1])
  }

  /// The configuration of a model of which nothing is known but its name.
  private func configuration() throws(SettingError) -> CellConfiguration {
    let mixer = MixerConfiguration(
      name: ExternalFacts.label, settings: ["name": .text(subject.name)])
    var model = try ModelConfiguration(mixers: [mixer])
    (model.width, model.layers, model.channelRatio, model.initialScale) = (0, 0, 0, 0)
    (model.norm, model.tiedHead) = (.none, false)
    var training = try TrainingConfiguration()
    (training.steps, training.batch, training.evaluateEvery) = (0, 0, 0)
    (training.learningRate, training.weightDecay, training.stopAt) = (0, 0, 0)
    (training.beta1, training.beta2, training.epsilon, training.clip) = (0, 0, 0, 0)
    training.schedule = .constant
    return CellConfiguration(
      task: subject.task, model: model, training: training, seed: subject.seed)
  }
}

extension CellRecord {
  /// Leaves out the total variations that no line told anything of.
  fileprivate mutating func forgetUnknownDistances() {
    testOverall?.forgetUnknownDistance()
    for place in test.indices {
      test[place].scores.forgetUnknownDistance()
      for slice in test[place].slices.indices {
        test[place].slices[slice].scores.forgetUnknownDistance()
      }
      for grid in (test[place].grids ?? []).indices {
        for cell in (test[place].grids?[grid].cells ?? []).indices {
          test[place].grids?[grid].cells[cell].scores.forgetUnknownDistance()
        }
      }
    }
  }
}

extension Scores {
  fileprivate mutating func forgetUnknownDistance() {
    if totalVariation?.isNaN == true { totalVariation = nil }
  }
}

/// What is wrong with predictions as a whole, in one line.
package struct PredictionProblem: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// The numbers of a file's lines: their own, or else their order.
private struct Numbering {
  private var count = 0
  private var isExplicit: Bool?

  mutating func index(of line: PredictionLine) throws(TextProblem) -> Int {
    guard isExplicit == nil || isExplicit == (line.index != nil) else {
      throw TextProblem(
        line.index == nil
          ? "'index' is missing; the lines before have it"
          : "'index' is given; the lines before have none")
    }
    isExplicit = line.index != nil
    defer { count += 1 }
    return line.index ?? count
  }
}
