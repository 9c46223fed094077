package import Architectures
import Autograd
package import Layers
import Randomness
import TaskGenerators
package import Tensors

/// What a trained model answers to sequences of tokens.
///
/// It is the path of `Evaluator`, with batches of the same make-up: the answers to a test set are
/// those that its scores were computed from.
package struct Predictor {
  /// Sequences, and the positions at which the model is asked.
  package struct Question: Sendable, Hashable {
    package var tokens: [Int32]
    /// In ascending order.
    package var positions: [Int]

    package init(tokens: [Int32], positions: [Int]) {
      self.tokens = tokens
      self.positions = positions
    }
  }

  /// The answers at a question's positions.
  package struct Answer: Sendable, Hashable {
    /// The most probable token, the first of equal ones.
    package var best: [Int32] = []
    /// The logits of the whole vocabulary, position by position; empty where nobody asked.
    package var logits: [Float] = []
  }

  package let vocabulary: Int
  private let model: Model
  private let tape: Tape

  /// Puts a model with trained parameters on a device.
  ///
  /// - Parameters:
  ///   - model: Described, not materialised.
  ///   - parameters: The elements of all its parameters, by name.
  ///   - backend: The device.
  /// - Throws: `ParameterMismatch` where they are not the model's.
  package init(
    _ model: Model, parameters: [String: [Float]], on backend: any Backend
  ) throws(ParameterMismatch) {
    tape = Tape(backend)
    tape.isRecording = false
    self.model = model
    vocabulary = model.vocabulary
    let arena = model.materialise(on: tape, random: RandomSource(seed: 0, stream: 0))
    try arena.load(parameters)
  }

  /// Answers questions.
  ///
  /// - Parameters:
  ///   - questions: None longer than the model's maximum, none without tokens.
  ///   - wantsLogits: Whether the logits are made, which are many numbers.
  ///   - isCancelled: Asked between batches; what is not answered then has no answers.
  /// - Returns: One answer for each question, in order.
  /// - Throws: What the device reports.
  package func answers(
    _ questions: [Question], wantsLogits: Bool, isCancelled: () -> Bool = { false }
  ) throws -> [Answer] {
    var answers = [Answer](repeating: Answer(), count: questions.count)
    let asked = questions.indices.filter { !questions[$0].positions.isEmpty }
    let batches = Evaluator.batches(asked.map { questions[$0].example(number: $0) })
    for batch in batches where !isCancelled() {
      let (best, logits) = answer(batch, wantsLogits: wantsLogits)
      if let failure = tape.backend.failure { throw failure }
      var row = 0
      for example in batch {
        let rows = row..<row + example.targets.count
        answers[example.questionStart].best = Array(best[rows])
        if wantsLogits {
          answers[example.questionStart].logits = Array(
            logits[rows.lowerBound * vocabulary..<rows.upperBound * vocabulary])
        }
        row = rows.upperBound
      }
    }
    return answers
  }

  private func answer(
    _ examples: [Example], wantsLogits: Bool
  ) -> (best: [Int32], logits: [Float]) {
    let most = examples.map(\.targets.count).max() ?? 0
    let inputs = DeviceBatch(HostBatch(examples, targetsPerExample: most), on: tape.backend)
    let hidden = model.hidden(inputs.tokens, places: inputs.places)
    let result = model.loss(of: hidden, targets: inputs.targets, scale: inputs.scale)
    let best = tape.backend.values(result.best)
    let logits = wantsLogits ? tape.backend.values(model.logits(of: hidden).value) : []
    return (best, logits)
  }
}

extension Predictor.Question {
  /// The question as an example whose targets mean nothing, with its number where examples keep the
  /// start of their question.
  fileprivate func example(number: Int) -> Example {
    var example = Example()
    example.tokens = tokens
    example.targets = positions.map { Target(position: $0, token: 0) }
    example.questionStart = number
    return example
  }
}
