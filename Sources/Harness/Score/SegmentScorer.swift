import Configuration
import DataSets
import Platform
import TaskGenerators
import Training

/// Collects the answers to one test segment and marks them.
struct SegmentScorer {
  private struct Marked {
    let marks: Marks
    let best: [Int32]
    let tokens: Int
    /// The line that it came from.
    let line: Int
  }

  /// The number of examples; nil where the lines decide.
  let examples: Int?
  private let task: any TaskGenerator
  private let seed: UInt64
  private let vocabulary: Int
  private let marker: Marker
  private var marked: [Int: Marked] = [:]
  /// What the lines so far said beside the answers.
  private var knowledge: PredictionLine.Knowledge??
  private var example = Example()

  init(_ segment: DataSegment, seed: UInt64, vocabulary: Int) {
    examples = segment.examples
    task = segment.task
    self.seed = seed
    self.vocabulary = vocabulary
    marker = Marker(segment.task)
  }

  /// The number of examples that were answered.
  var count: Int { marked.count }

  /// Marks a line.
  ///
  /// - Parameters:
  ///   - line: The answers.
  ///   - index: The example's number in the segment.
  ///   - number: The line's number in its file.
  /// - Throws: `TextProblem` for an example that there is not or that was answered before, and for
  ///   answers that are none to it.
  mutating func take(
    _ line: PredictionLine, index: Int, number: Int
  ) throws(TextProblem) {
    if let examples, index >= examples {
      throw TextProblem("there is no example \(index) of \(examples); they are counted from 0")
    }
    if let earlier = marked[index] {
      throw TextProblem("example \(index) is answered in line \(earlier.line) already")
    }
    try check(line.knowledge)
    task.write(split: .test, seed: seed, index: UInt64(index), into: &example)
    let answers = try line.answers(to: example, vocabulary: vocabulary)
    marked[index] = Marked(
      marks: marks(answers), best: answers.best, tokens: example.tokens.count, line: number)
  }

  /// All lines must say the same kind of thing, and what the task is judged by.
  private mutating func check(_ found: PredictionLine.Knowledge?) throws(TextProblem) {
    if let known = knowledge {
      guard known == found else {
        let before = known.map { "'\($0.rawValue)'" } ?? "predictions alone"
        let here = found.map { "'\($0.rawValue)'" } ?? "predictions alone"
        throw TextProblem("it has \(here), the lines before have \(before)")
      }
      return
    }
    let info = type(of: task).info
    let distributions = "'logits', 'logProbabilities' or 'probabilities'"
    if info.metric == .totalVariation, found == nil || found == .losses {
      throw TextProblem(
        "task \(info.name) is judged by \(info.metric.title); lines need \(distributions)")
    }
    if info.metric == .loss, found == nil {
      throw TextProblem(
        "task \(info.name) is judged by \(info.metric.title); lines need 'losses', \(distributions)"
      )
    }
    knowledge = .some(found)
  }

  private func marks(_ answers: PredictionLine.Answers) -> Marks {
    // What the lines do not say is not a number, and so is every score made of it.
    let losses = answers.losses ?? [Double](repeating: .nan, count: answers.best.count)
    var marks = marker.marks(example, best: answers.best, losses: losses)
    for (place, choices) in example.choices.enumerated() {
      marker.addDistribution(
        to: &marks, choices: choices, probabilities: answers.probabilities?[place] ?? [.nan],
        best: answers.best[place])
    }
    return marks
  }

  /// Checks that every example was answered.
  ///
  /// - Throws: `PredictionProblem` that names the first that was not.
  func checkIsComplete(file: String) throws(PredictionProblem) {
    let wanted = examples ?? marked.count
    guard wanted > 0 else { throw PredictionProblem("\(file): there are no predictions") }
    let missing = (0..<wanted).lazy.filter { marked[$0] == nil }
    guard let first = missing.first else { return }
    let count = missing.count
    throw PredictionProblem(
      "\(file): \(count) of \(wanted) examples have no predictions; the first is example \(first)")
  }

  /// The scores, added up in the order in which evaluation takes the examples.
  func tally() -> SegmentTally {
    var tally = SegmentTally(task)
    var example = Example()
    let order = marked.sorted { ($0.value.tokens, $0.key) < ($1.value.tokens, $1.key) }
    for (index, entry) in order {
      task.write(split: .test, seed: seed, index: UInt64(index), into: &example)
      tally.add(example, marks: entry.marks)
    }
    return tally
  }

  /// Appends the answered tokens, example by example.
  func appendAnswers(to bytes: inout [UInt8]) {
    for (_, entry) in marked.sorted(by: { $0.key < $1.key }) {
      entry.best.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
  }
}
