import Configuration
import DataSets
import Platform
import TaskGenerators
import Training

/// What the lines say beside the answers: the same kind of thing in all files and segments.
struct LineKind {
  private var known: PredictionLine.Knowledge??

  /// Checks a line against those before it, and the first one for what the task is judged by.
  mutating func check(
    _ found: PredictionLine.Knowledge?, for task: any TaskGenerator
  ) throws(TextProblem) {
    if let known {
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
    known = .some(found)
  }
}

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
  ///   - first: The number of the segment's first example in the file, for messages.
  ///   - number: The line's number in its file.
  ///   - kind: What the lines before were like.
  /// - Throws: `TextProblem` for an example that there is not or that was answered before, and for
  ///   answers that are none to it.
  mutating func take(
    _ line: PredictionLine, index: Int, first: Int, number: Int, kind: inout LineKind
  ) throws(TextProblem) {
    if let examples, index >= examples {
      throw TextProblem(
        "there is no example \(first + index) of \(first + examples); they are counted from 0")
    }
    if let earlier = marked[index] {
      throw TextProblem("example \(first + index) is answered in line \(earlier.line) already")
    }
    try kind.check(line.knowledge, for: task)
    task.write(split: .test, seed: seed, index: UInt64(index), into: &example)
    let answers = try line.answers(to: example, vocabulary: vocabulary)
    marked[index] = Marked(
      marks: marks(answers), best: answers.best, tokens: example.tokens.count, line: number)
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

  /// The number of examples that there should be.
  var wanted: Int { examples ?? marked.count }

  /// The examples without an answer, in order.
  var missing: some Sequence<Int> { (0..<wanted).lazy.filter { marked[$0] == nil } }

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
