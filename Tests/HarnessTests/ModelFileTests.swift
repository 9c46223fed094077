import Configuration
import DataSets
import Harness
import Platform
import Records
import TaskGenerators
import TensorFiles
import Testing

/// Trained models as files, and models that were trained elsewhere.
@Suite struct ModelFileTests {
  private static let keeping = {
    var options = RunOptions()
    options.keepsModels = true
    return options
  }()

  private static func paths(_ tiny: TinyRun) throws -> [String] {
    let folder = tiny.store.folder + "/models"
    return try Files.list(folder).map { folder + "/" + $0 }
  }

  private func model(
    _ path: String, _ tiny: TinyRun, longest: Int? = nil
  ) throws -> TrainedModel {
    try TrainedModel(
      try ModelFile(path), path: path, registries: tiny.registries, devices: .processor,
      longest: longest)
  }

  /// Writes the test set of the tiny grid, and what a model predicts for it.
  private func predictions(
    _ model: TrainedModel, _ tiny: TinyRun, logits: Bool = false, batch: Int = 1024
  ) throws -> (file: String, summary: PredictionStream.Summary) {
    let segment = model.file.configuration.task.test[0]
    let task = try Parity.make(segment.settings)
    let examples = tiny.folder.path + "/test.jsonl"
    let writer = DataSetWriter(
      ExampleSelection(task: task, split: .test, seed: 0, first: 0, count: segment.examples ?? 0),
      jobs: 1)
    _ = try DataSetWriter.writeLines(.examples, of: [writer], to: .file(examples))
    var lines = try InputLines(examples)
    var bytes: [UInt8] = []
    let stream = PredictionStream(model, .init(logits: logits, batch: batch))
    let summary = try stream.run(&lines) { bytes += $0 }
    let file = tiny.folder.path + "/predictions.jsonl"
    try AtomicFile.write(bytes, to: file)
    return (file, summary)
  }

  @Test func modelsAreKeptBesideTheSameRecords() throws {
    let plain = try TinyRun()
    try plain.run()
    let tiny = try TinyRun()
    #expect(try tiny.run(options: Self.keeping).outcome.finished == 2)
    #expect(try tiny.recordFiles() == plain.recordFiles())
    let models = try Self.paths(tiny).map { try ModelFile($0) }
    #expect(models.count == 2)
    for model in models {
      let record = try tiny.store.read(model.key)
      #expect(model.configuration == record.configuration && model.versions == record.versions)
      #expect(model.selectedStep == record.training.selectedStep)
      let count = model.parameters.reduce(0) { $0 + $1.elements.count }
      #expect(count == record.model?.parameters)
      #expect(model.parameters.allSatisfy { $0.shape.reduce(1, *) == $0.elements.count })
    }

    // Without a model a finished cell is trained again, where models are wanted.
    let (first, second) = (try Self.paths(tiny)[0], try Self.paths(tiny)[1])
    let (whole, other) = (try Files.read(first), try Files.read(second))
    try Files.remove(first)
    try AtomicFile.write(Array(other.dropLast()), to: second)
    #expect(try tiny.pending().isEmpty)
    let workload = try tiny.runner(options: Self.keeping).workload(tiny.plan, retryFailed: false)
    #expect(workload.pending == [0, 1] && workload.withoutModel == 2)
    try tiny.run(options: Self.keeping)
    #expect(try Files.read(first) == whole && Files.read(second) == other)
    #expect(try tiny.recordFiles() == plain.recordFiles())
  }

  /// A checkpoint of a recorded cell is what a killed process forgot, but for one that is trained
  /// once more for its model.
  @Test func theCheckpointOfACellThatIsTrainedForItsModelStays() throws {
    let tiny = try TinyRun()
    try tiny.run()
    let key = try #require(tiny.store.keys().sorted().first)
    let path = try tiny.store.checkpointPath(key)
    try AtomicFile.write([1], to: path)
    // Nothing to do: an interrupted run ends in the same way.
    let runner = tiny.runner(options: Self.keeping)
    _ = runner.run(try runner.workload(tiny.plan, retryFailed: false).limited(to: 0)) { _ in }
    #expect(Files.exists(path))
    try tiny.run()
    #expect(!Files.exists(path))
  }

  /// What a model predicts on the test set is what its record says, and scoring its logits makes the
  /// record's scores.
  @Test func predictionsAndScoresAreTheRecords() throws {
    let tiny = try TinyRun()
    try tiny.run(options: Self.keeping)
    for path in try Self.paths(tiny) {
      let model = try model(path, tiny)
      let record = try tiny.store.read(model.file.key)
      let (file, summary) = try predictions(model, tiny, logits: true)
      let overall = try #require(record.testOverall)
      #expect(summary.lines == 24 && summary.targets == overall.tokens)
      #expect(Double(summary.right) / Double(summary.targets) == overall.tokenAccuracy)

      let subject = ExternalScorer.Subject(
        label: "parity", task: record.configuration.task, seed: 0, name: "again")
      let scored = try ExternalScorer(subject, tiny.registries).score([file])
      var ours = record.test[0]
      var theirs = scored.test[0]
      #expect(abs(ours.scores.loss - theirs.scores.loss) < 1e-6)
      func forgetLosses(_ segment: inout SegmentResult) {
        segment.scores.loss = 0
        for place in segment.slices.indices { segment.slices[place].scores.loss = 0 }
      }
      forgetLosses(&ours)
      forgetLosses(&theirs)
      #expect(ours == theirs)
      #expect(scored.task == record.task && scored.external?.name == "again")
      #expect(scored.versions.program == "external" && scored.tuned.isEmpty)

      // Small batches change no answer.
      let answers = try Files.read(predictions(model, tiny).file)
      #expect(try Files.read(predictions(model, tiny, batch: 5).file) == answers)
    }
  }

  @Test func everyCutAndManyChangesAreSeen() throws {
    let tiny = try TinyRun()
    try tiny.run(options: Self.keeping)
    let path = try Self.paths(tiny)[0]
    let bytes = try Files.read(path)
    let copy = tiny.folder.path + "/copy.safetensors"
    for count in 0..<bytes.count where count < 200 || count % 37 == 0 {
      try AtomicFile.write(Array(bytes[..<count]), to: copy)
      let error = #expect(throws: ModelFileError.self) { try ModelFile(copy) }
      #expect(error?.isMissing == false)
    }
    var changed = bytes
    changed[bytes.count - 2] ^= 1
    try AtomicFile.write(changed, to: copy)
    let error = #expect(throws: ModelFileError.self) { try ModelFile(copy) }
    #expect(error?.problem.contains("checksum") == true)
    #expect(throws: ModelFileError.self) { try ModelFile(tiny.folder.path + "/none") }
  }

  /// A file may ask for anything: it is refused before memory is taken for it.
  @Test func impossibleModelsAreRefused() throws {
    let tiny = try TinyRun()
    try tiny.run(options: Self.keeping)
    let whole = try ModelFile(try Self.paths(tiny)[0])
    let copy = tiny.folder.path + "/copy.safetensors"
    func refusal(_ change: (inout ModelFile) -> Void) throws -> String {
      var file = whole
      change(&file)
      try file.write(to: copy)
      let error = #expect(throws: ModelFileError.self) { try model(copy, tiny) }
      return error?.problem ?? ""
    }
    #expect(try refusal { $0.configuration.model.width = 60000 }.contains("the model needs"))
    #expect(try refusal { $0.configuration.model.width = -1 }.contains("width"))
    #expect(try refusal { $0.configuration.model.layers = 0 }.contains("layers"))
    #expect(try refusal { $0.configuration.model.mixers = [] }.contains("0 mixers"))
    #expect(try refusal { $0.configuration.model.mixers[0].name = "x" }.contains("x"))
    #expect(try refusal { $0.maximumLength = 1 << 40 }.contains("maximumLength"))
    #expect(try refusal { $0.vocabulary = 0 }.contains("vocabulary"))
    #expect(try refusal { $0.vocabulary = 1_000_000 }.contains("the model needs"))
    #expect(try refusal { $0.parameters.removeLast() }.contains("is missing"))
    #expect(
      try refusal { $0.versions.mixers = $0.versions.mixers.mapValues { $0 + 1 } }
        .contains("trained with version"))
    let data = tiny.folder.path + "/data.safetensors"
    try TensorFile.write(
      [(TensorDescription("a", .uint8, [1]), [0])], metadata: ["task": "parity"], to: data)
    let error = #expect(throws: ModelFileError.self) { try ModelFile(data) }
    #expect(error?.problem.contains("not a model") == true)
  }
}
