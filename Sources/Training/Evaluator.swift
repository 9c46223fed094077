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
  private let batches: [[Prepared]]
  private let sliceNames: [[String]]

  private struct Prepared {
    let examples: [Example]
    let batch: HostBatch
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
    sliceNames = segments.map { type(of: $0.task).info.slices }
    batches = segments.map { segment in
      let examples = (0..<UInt64(segment.examples ?? 0)).map {
        segment.task.example(split: split, seed: seed, index: $0)
      }
      return Self.batches(examples, targetsPerExample: segment.task.maximumTargets)
    }
  }

  private static func batches(_ examples: [Example], targetsPerExample: Int) -> [Prepared] {
    var prepared: [Prepared] = []
    var rest = examples.sortedByLength()[...]
    while let first = rest.first {
      // Sorted by length: the last of the next few bounds the batch's length well enough.
      let count = min(rest.count, max(1, tokensPerBatch / max(1, first.tokens.count)))
      let part = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
      prepared.append(
        Prepared(examples: part, batch: HostBatch(part, targetsPerExample: targetsPerExample)))
    }
    return prepared
  }

  /// The tallies of every segment, for the model's present parameters.
  ///
  /// - Parameter interrupted: Asked between batches; evaluation ends early where it says so.
  /// - Returns: One tally for each segment.
  package func evaluate(interrupted: () -> Bool = { false }) -> [SegmentTally] {
    let wasRecording = tape.isRecording
    tape.isRecording = false
    defer { tape.isRecording = wasRecording }
    return batches.indices.map { segment in
      var tally = SegmentTally()
      for prepared in batches[segment] {
        if interrupted() { break }
        evaluate(prepared, names: sliceNames[segment], into: &tally)
      }
      return tally
    }
  }

  private func evaluate(_ prepared: Prepared, names: [String], into tally: inout SegmentTally) {
    let device = DeviceBatch(prepared.batch, on: tape.backend)
    let result = model.loss(
      device.tokens, places: device.places, targets: device.targets, scale: device.scale)
    let best = tape.backend.values(result.best)
    let losses = tape.backend.values(result.losses)
    var row = 0
    for example in prepared.examples {
      var right = 0
      var loss = 0.0
      for target in example.targets {
        if best[row] == target.token { right += 1 }
        loss += Double(losses[row])
        row += 1
      }
      tally.add(example, names: names, right: right, loss: loss)
    }
  }
}
