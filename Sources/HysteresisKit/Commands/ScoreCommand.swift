import ArgumentParser
import Configuration
import DataSets
import Harness
import Platform
import Records

/// A record for a model that was trained elsewhere.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Score the predictions of a model trained elsewhere.",
    discussion: """
      Makes a record of the model, so that it has a row in the tables beside ours: the same test \
      examples, the same metrics, the same slices. 'generate' writes the examples, any program \
      answers them, a line for each:

        {"index":17,"predictions":[31,40]}

      'predictions' has the token at each scored position in order, or an entry for every token \
      of the example (those at scored positions count, the others may be null). 'index' is the \
      number of the example in the test set, from 0, through all its segments; without it the lines \
      are in order. A list alone is a line, too.

      For the cross-entropy, and for tasks that are judged by distributions, lines also have one \
      of, with an entry for each scored position (or each token):
        logits, logProbabilities, probabilities   a list, a number for each id
        losses                                    the cross-entropy in nats

      With --grid the test set is that of a task of the grid, all segments together, and the row \
      stands in that task's table; --predictions once for each segment takes them apart. The record \
      is named after the task, the seed and the model's name: scoring again replaces it. Train and \
      score once for each seed of the data to have an interval.

      EXAMPLES:
        hysteresis generate --grid g.yaml --task recall --split test -o test.jsonl
        hysteresis score --grid g.yaml --task recall --predictions p.jsonl --name x
        hysteresis score mqar --set pairs=8 --predictions p.jsonl --name x --out s
        hysteresis report s
      """)

  @Argument(help: "The task's name; see 'list tasks'. Not with --grid.")
  var task: String?
  @Option(name: .customLong("set"), help: "A setting of the task, as key=value; may be repeated.")
  var assignments: [String] = []
  @OptionGroup var ofGrid: GridTaskArguments
  @Option(help: "What tables call the task; its name otherwise. Not with --grid.")
  var label: String?
  @Option(help: "How many test examples there are; otherwise as many as lines. Not with --grid.")
  var examples: Int?
  @Option(help: "The seed of the data.")
  var seed = 0
  @Option(help: "The predictions, - for standard input; a file, or one for each test segment.")
  var predictions: [String]
  @Option(help: "What tables call the model.")
  var name: String
  @Option(help: "The number of the model's parameters.")
  var parameters: Int?
  @Option(
    help: "The bytes that it carries from one position to the next, at the longest test length.")
  var stateBytes: Int?
  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: "The store's folder; results/NAME of the grid or the task otherwise.")
  var store: String?
  @Option(help: "How to print the scores: text, or the record as json.")
  var format: OutputFormat = .text

  func validate() throws {
    try ofGrid.check(task: task, assignments: assignments)
    if ofGrid.grid != nil, label != nil { throw ValidationError("--label goes without --grid.") }
    if ofGrid.grid != nil, examples != nil {
      throw ValidationError("--examples goes without --grid, which has its own numbers.")
    }
    if let examples, examples < 1 { throw ValidationError("--examples must be at least 1.") }
    if !(0...4_294_967_295).contains(seed) {
      throw ValidationError("--seed must be from 0 to 4294967295.")
    }
    if predictions.isEmpty { throw ValidationError("Give --predictions.") }
    if predictions.count(where: { $0 == "-" }) > 1 {
      throw ValidationError("--predictions - stands once.")
    }
    if let parameters, parameters < 0 { throw ValidationError("--parameters is negative.") }
    if let stateBytes, stateBytes < 0 { throw ValidationError("--state-bytes is negative.") }
    if stateBytes != nil, parameters == nil {
      throw ValidationError("--state-bytes goes with --parameters.")
    }
    if let store, store.isEmpty { throw ValidationError("--out is empty.") }
  }

  func run() throws {
    let store = RunStore(try folder())
    do {
      let record = try ExternalScorer(try subject(), Hysteresis.registries).score(predictions)
      let replaces = try store.checkRoom(for: record)
      try write(record, to: store)
      print(record)
      Console.talk(
        "\(replaces ? "the model's earlier record" : "a record") in \(store.folder) "
          + "\(replaces ? "was replaced" : "was made"): \(record.key); "
          + "'hysteresis report \(store.folder)' writes the tables")
    } catch let error as LineError {
      throw CommandFailure(error.description, status: ExitStatus.data)
    } catch let error as PredictionProblem {
      throw CommandFailure(error.description, status: ExitStatus.data)
    } catch let error as StoreError {
      throw CommandFailure(error.description, status: ExitStatus.data)
    } catch let error as FileError {
      throw CommandFailure(error.description, status: ExitStatus.noInput)
    }
  }

  private func folder() throws -> String {
    if let store { return store }
    return "results/" + (try ofGrid.name() ?? (task ?? ""))
  }

  private func subject() throws -> ExternalScorer.Subject {
    if let named = try ofGrid.named() {
      return subject(named.label, named.configuration)
    }
    let name = task ?? ""
    let task = try Hysteresis.registries.task(name, assignments: assignments)
    let segment = SegmentConfiguration(settings: task.settings.values, examples: examples)
    return subject(
      label ?? name,
      TaskConfiguration(name: name, train: [], validation: [], test: [segment]))
  }

  private func subject(_ label: String, _ task: TaskConfiguration) -> ExternalScorer.Subject {
    ExternalScorer.Subject(
      label: label, task: task, seed: seed, name: name, parameters: parameters,
      stateBytes: stateBytes)
  }

  private func write(_ record: CellRecord, to store: RunStore) throws {
    do {
      try store.write(record)
    } catch {
      throw CommandFailure(error.description, status: ExitStatus.cannotCreate)
    }
  }

  private func print(_ record: CellRecord) {
    switch format {
    case .json: Console.json(record)
    case .text: Console.output(ScoreText.lines(of: record).joined(separator: "\n"))
    }
  }
}

/// The scores of a record for people.
enum ScoreText {
  static func lines(of record: CellRecord) -> [String] {
    let task = record.task
    let heading =
      "\(record.labels.model) on \(record.labels.task), seed \(record.configuration.seed), "
      + "\(record.testOverall?.examples ?? 0) examples"
    let metrics =
      [(task.metric, Optional(task.chance))]
      + (task.further ?? []).map { ($0.metric, $0.chance) }
    let scores = metrics.map { metric, chance in
      line(metric, record.testOverall?.value(metric), chance)
    }
    guard record.test.count > 1 else { return [heading] + scores }
    let segments = record.test.enumerated().map { place, segment in
      line("segment \(place + 1)", segment.scores.value(task.metric), segment.chance)
    }
    return [heading] + scores + segments
  }

  private static func line(_ name: String, _ value: Double?, _ chance: Double?) -> String {
    func text(_ value: Double?) -> String {
      guard let value, value.isFinite else { return "–" }
      return FixedPoint.text(value, digits: 4)
    }
    let title = Metric(rawValue: name)?.title ?? name
    return "  " + title + String(repeating: " ", count: max(1, 20 - title.count)) + text(value)
      + (chance == nil ? "" : "   chance " + text(chance))
  }
}
