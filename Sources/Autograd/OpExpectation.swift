import Randomness

/// What a case's reference gives, for checks of the case on any number of backends.
///
/// The loss is a fixed random projection of all outputs. Its gradients are central differences at
/// some elements of each input: they cost two runs of the reference each, and are made once.
package struct OpExpectation: Sendable {
  /// The inputs' elements, as backends get them.
  let inputs: [[Float]]
  let outputs: [DoubleArray]
  /// The loss's gradient by each output.
  let weights: [[Float]]
  /// For each input that has a gradient, the loss's gradient at some of its elements.
  let gradients: [Probe?]

  struct Probe: Sendable {
    var elements: [Int]
    var gradients: [Double]
  }
}

extension OpCase {
  /// What the reference gives; nil for cases without one.
  ///
  /// At most `samples` elements of each input are differentiated.
  package func expectation(samples: Int = 12) -> OpExpectation? {
    guard let reference else { return nil }
    let host = inputs.enumerated().map { $1.elements(seed: UInt64($0 + 1)) }
    let exact = zip(inputs, host).map { DoubleArray($0.shape, $1.map(Double.init)) }
    let outputs = reference(exact)
    var random = RandomSource(seed: 99)
    let weights = outputs.map { output in output.values.map { _ in random.normal() } }
    let factors = weights.map { $0.map(Double.init) }

    func loss(_ inputs: [DoubleArray]) -> Double {
      zip(reference(inputs), factors).reduce(0) { $0 + dot($1.0.values, 0, $1.1, 0, $1.1.count) }
    }
    let gradients = inputs.indices.map { index -> OpExpectation.Probe? in
      guard inputs[index].differentiable else { return nil }
      let count = exact[index].values.count
      let elements =
        count <= samples
        ? Array(0..<count) : (0..<samples).map { _ in random.uniform(below: count) }
      let differences = elements.map { element in
        let value = exact[index].values[element]
        let step = 1e-5 * max(1, abs(value))
        var moved = exact
        moved[index].values[element] = value + step
        let above = loss(moved)
        moved[index].values[element] = value - step
        return (above - loss(moved)) / (2 * step)
      }
      return OpExpectation.Probe(elements: elements, gradients: differences)
    }
    return OpExpectation(inputs: host, outputs: outputs, weights: weights, gradients: gradients)
  }
}
