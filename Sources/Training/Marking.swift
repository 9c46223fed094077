import Configuration
import Randomness
package import TaskGenerators

/// What was right about the answers to one example: where every metric has its counts from.
package struct Marks: Sendable, Equatable, Codable {
  package var tokens = 0
  package var right = 0
  /// The sum of the cross-entropies.
  package var loss = 0.0
  package var answers = 0
  package var rightAnswers = 0
  /// Positions whose true distribution the example carries.
  package var known = 0
  /// Of those, how many have a possible token for the most probable one.
  package var grammatical = 0
  /// The sum of the total variations at those.
  package var variation = 0.0

  package init(tokens: Int = 0, right: Int = 0, loss: Double = 0) {
    self.tokens = tokens
    self.right = right
    self.loss = loss
  }
}

/// Marks answers: the one place in which a model's and a baseline's answers are compared with a
/// task's.
package struct Marker: Sendable {
  /// The targets of an answer; 0 where the task does not report answers.
  private let answerLength: Int

  package init(_ task: any TaskGenerator) {
    let reports = type(of: task).info.metrics.contains(.answerAccuracy)
    answerLength = reports ? task.answerLength : 0
  }

  /// Marks the answers to an example's targets.
  ///
  /// - Parameters:
  ///   - example: The example.
  ///   - best: The token answered at each target.
  ///   - losses: The cross-entropy of each target.
  /// - Returns: The counts, without those of distributions.
  package func marks(
    _ example: Example, best: some Collection<Int32>, losses: some Collection<Double>
  ) -> Marks {
    var marks = Marks(tokens: example.targets.count)
    var isRight = true
    for (place, (target, (answer, loss))) in zip(example.targets, zip(best, losses)).enumerated() {
      let agrees = answer == target.token
      if agrees { marks.right += 1 }
      marks.loss += loss
      guard answerLength > 0 else { continue }
      isRight = isRight && agrees
      guard (place + 1) % answerLength == 0 else { continue }
      marks.answers += 1
      if isRight { marks.rightAnswers += 1 }
      isRight = true
    }
    return marks
  }

  /// Marks the predictions of a solver that is no neural network.
  ///
  /// One that gives a token without probabilities is certain of it: where it is wrong, its
  /// cross-entropy is infinite.
  package func marks(_ example: Example, predictions: [Prediction]) -> Marks {
    let losses = zip(example.targets, predictions).lazy.map { target, prediction in
      Self.surprise(prediction.probability(of: target.token))
    }
    var marks = marks(example, best: predictions.map(\.token), losses: Array(losses))
    for (choices, prediction) in zip(example.choices, predictions) {
      addDistribution(
        to: &marks, choices: choices,
        probabilities: (0..<64).lazy.map { prediction.probability(of: $0) },
        best: prediction.token)
    }
    return marks
  }

  /// The cross-entropy of a token that has a probability.
  package static func surprise(_ probability: Double) -> Double {
    probability.isNormal ? -PortableMath.log(probability) : .infinity
  }

  /// Adds what the answers' distributions are worth at one target.
  ///
  /// - Parameters:
  ///   - marks: Added to.
  ///   - choices: The tokens that may stand there, equally probable: bit i for token i.
  ///   - probabilities: The answer's, of every token.
  ///   - best: The answer's most probable token.
  package func addDistribution(
    to marks: inout Marks, choices: UInt64, probabilities: some Collection<Double>, best: Int32
  ) {
    let share = 1 / Double(max(1, choices.nonzeroBitCount))
    var difference = 0.0
    for (token, probability) in probabilities.enumerated() {
      difference += abs(probability - (choices >> UInt64(token) & 1 == 1 ? share : 0))
    }
    marks.known += 1
    marks.variation += difference / 2
    if best >= 0, choices >> UInt64(best) & 1 == 1 { marks.grammatical += 1 }
  }

  /// The softmax of logits; NaN where one of them is.
  package static func probabilities(ofLogits logits: some Collection<Float>) -> [Double] {
    let largest = Double(logits.max() ?? 0)
    let powers = logits.map { logit in
      let distance = Double(logit) - largest
      return distance.isNaN ? .nan : PortableMath.exp(max(-700, distance))
    }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
