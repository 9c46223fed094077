import Platform
import Randomness

/// A distribution over the vocabulary, as another program wrote it.
struct Distribution {
  /// How far the sum of probabilities may be from 1: they may come from 16-bit floats.
  static let tolerance = 0.01

  /// The probabilities, brought to a sum of 1.
  let probabilities: [Double]
  /// What was given as logarithms, and the logarithm of the sum of its powers: the cross-entropy of
  /// an improbable token is exact although its probability is 0.
  private let logarithms: (values: [Double], ofSum: Double)?

  /// Reads a distribution.
  ///
  /// - Throws: `TextProblem` whose text follows the name of the entry.
  init(
    _ numbers: [Double], given knowledge: PredictionLine.Knowledge
  ) throws(TextProblem) {
    if numbers.contains(where: \.isNaN) { throw TextProblem("has NaN") }
    if knowledge == .probabilities {
      if let wrong = numbers.first(where: { !(0...1 + Self.tolerance).contains($0) }) {
        throw TextProblem("has the probability \(wrong)")
      }
      let sum = numbers.reduce(0, +)
      try Self.check(sum)
      (probabilities, logarithms) = (numbers.map { $0 / sum }, nil)
      return
    }
    let largest = numbers.max() ?? 0
    guard largest.isFinite else { throw TextProblem("has the number \(largest)") }
    let powers = numbers.map { $0 - largest < -700 ? 0 : PortableMath.exp($0 - largest) }
    let sum = powers.reduce(0, +)
    let ofSum = largest + PortableMath.log(sum)
    if knowledge == .logProbabilities {
      try Self.check(ofSum < 1 ? PortableMath.exp(max(-700, ofSum)) : 3)
    }
    (probabilities, logarithms) = (powers.map { $0 / sum }, (numbers, ofSum))
  }

  private static func check(_ sum: Double) throws(TextProblem) {
    guard abs(sum - 1) > tolerance else { return }
    throw TextProblem("has probabilities whose sum is \(sum > 2 ? "above 2" : "\(sum)"), not 1")
  }

  /// The most probable token, the first of equal ones.
  var best: Int32 {
    var best = 0
    for (token, probability) in probabilities.enumerated() where probability > probabilities[best] {
      best = token
    }
    return Int32(best)
  }

  /// The cross-entropy of a token.
  func loss(of token: Int32) -> Double {
    if let logarithms { return max(0, logarithms.ofSum - logarithms.values[Int(token)]) }
    let probability = probabilities[Int(token)]
    return probability.isNormal ? -PortableMath.log(probability) : .infinity
  }
}
