package import Architectures
package import Autograd
package import TaskGenerators
import Tensors

/// Scores a model on fixed sets of examples.
package struct Evaluator {
  /// Tokens of an evaluation batch; evaluation keeps nothing for a backward pass.
  private static let tokensPerBatch = 16384

  private let model: Model
  private let tape: Tape
  private let segments: [Segment]

  private struct Segment {
    let marker: Marker
    /// Of no examples yet.
    let tally: SegmentTally
    let batches: [Prepared]
  }

  private struct Prepared {
    let examples: [Example]
    let inputs: DeviceBatch
    let answers: Answers
    let work: RepeatedWork
  }

  /// What the model answered to a batch, left on the device until all batches are queued.
  private struct Answers {
    let losses: Tensor
    let best: IndexTensor
    /// Only tasks whose answers are distributions have the logits made.
    let logits: Tensor?
  }

  /// Makes the examples of the segments, once for all evaluations.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - tape: Its tape.
  ///   - segments: The segments; each must have a number of examples.
  ///   - split: Validation or test.
  ///   - seed: The examples' seed.
  package init(
    _ model: Model, on tape: Tape, segments: [DataSegment], split: Split, seed: UInt64
  ) {
    self.model = model
    self.tape = tape
    self.segments = segments.map { segment in
      let examples = (0..<UInt64(segment.examples ?? 0)).map {
        segment.task.example(split: split, seed: seed, index: $0)
      }
      return Segment(
        marker: Marker(segment.task), tally: SegmentTally(segment.task),
        batches: Self.batches(examples).map { part in
          Self.prepare(
            part, targetsPerExample: segment.task.maximumTargets, for: model, on: tape.backend)
        })
    }
  }

  /// The examples by length, in parts of one batch each.
  static func batches(_ examples: [Example]) -> [[Example]] {
    var parts: [[Example]] = []
    var rest = examples.sortedByLength()[...]
    while let first = rest.first {
      // Sorted by length: the last of the next few bounds the batch's length well enough.
      let count = min(rest.count, max(1, tokensPerBatch / max(1, first.tokens.count)))
      let part = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
      parts.append(part)
    }
    return parts
  }

  private static func prepare(
    _ examples: [Example], targetsPerExample: Int, for model: Model, on backend: any Backend
  ) -> Prepared {
    let inputs = DeviceBatch(
      HostBatch(examples, targetsPerExample: targetsPerExample), on: backend)
    let rows = inputs.targets.count
    let isUncertain = examples.contains { !$0.choices.isEmpty }
    let answers = Answers(
      losses: backend.empty([rows]), best: backend.emptyIndices([rows]),
      logits: isUncertain ? backend.empty([rows, model.vocabulary]) : nil)
    return Prepared(
      examples: examples, inputs: inputs, answers: answers,
      work: RepeatedWork(on: backend, rehearsals: 4))
  }

  /// The tallies of every segment, for the model's present parameters.
  ///
  /// - Parameter interrupted: Asked between batches; evaluation ends early where it says so.
  /// - Returns: One tally for each segment.
  package func evaluate(interrupted: () -> Bool = { false }) -> [SegmentTally] {
    let wasRecording = tape.isRecording
    tape.isRecording = false
    defer { tape.isRecording = wasRecording }
    return segments.map { segment in
      var answered = 0
      for prepared in segment.batches {
        if interrupted() { break }
        answer(prepared)
        answered += 1
      }
      var tally = segment.tally
      for prepared in segment.batches.prefix(answered) {
        mark(prepared, of: segment, into: &tally)
      }
      return tally
    }
  }

  /// Queues the model's answers to a batch.
  private func answer(_ prepared: Prepared) {
    let (inputs, answers, backend) = (prepared.inputs, prepared.answers, tape.backend)
    prepared.work.run {
      let hidden = model.hidden(inputs.tokens, places: inputs.places)
      let result = model.loss(of: hidden, targets: inputs.targets, scale: inputs.scale)
      backend.copy(result.losses, to: answers.losses)
      backend.copy(result.best, to: answers.best)
      if let logits = answers.logits {
        backend.copy(model.logits(of: hidden).value.reshaped(logits.shape), to: logits)
      }
    }
  }

  /// Compares the answers with the right ones, once they are there.
  private func mark(_ prepared: Prepared, of segment: Segment, into tally: inout SegmentTally) {
    let best = tape.backend.values(prepared.answers.best)
    let losses = tape.backend.values(prepared.answers.losses)
    let logits = prepared.answers.logits.map { tape.backend.values($0) } ?? []
    var row = 0
    for example in prepared.examples {
      let rows = row..<row + example.targets.count
      var marks = segment.marker.marks(
        example, best: best[rows], losses: losses[rows].lazy.map(Double.init))
      for (place, choices) in example.choices.enumerated() {
        let start = (row + place) * model.vocabulary
        let probabilities = Marker.probabilities(
          ofLogits: logits[start..<start + model.vocabulary])
        segment.marker.addDistribution(
          to: &marks, choices: choices, probabilities: probabilities, best: best[row + place])
      }
      tally.add(example, marks: marks)
      row = rows.upperBound
    }
  }
}
