import Autograd
import CPUBackend
import Randomness
import Tensors
import Testing

/// What the table of cases cannot say: extremes, isolation and the parts of one sequence.
@Suite struct AttentionTests {
  /// Queries, keys and values of a self-attention, and what came out of it.
  private struct Run {
    var output: [Float]
    var gradients: [[Float]]
  }

  private let shape = [3, 37, 2, 16]
  private let gradientSeed: UInt64 = 9

  private func elements(_ seed: UInt64, scale: Double = 1) -> [Float] {
    OpInput("", shape, .normal(scale: scale)).elements(seed: seed)
  }

  private func run(_ inputs: [[Float]], on level: String, window: Int = 0) throws -> Run {
    let backend = try CPUBackend(level: level, poison: true)
    let tape = Tape(backend)
    let variables = inputs.map {
      Variable(backend.tensor($0, shape), on: tape, needsGradient: true)
    }
    let output = variables[0].attention(keys: variables[1], values: variables[2], window: window)
    tape.backward(from: [(output, backend.tensor(elements(gradientSeed), shape))])
    return Run(
      output: backend.values(output.value),
      gradients: variables.map { $0.gradient.map(backend.values) ?? [] })
  }

  @Test(arguments: CPUBackend.availableLevels)
  func hugeScoresDoNotOverflow(level: String) throws {
    let values = elements(3)
    let result = try run([elements(1, scale: 1e3), elements(2, scale: 1e3), values], on: level)
    let greatest = values.map(abs).max() ?? 0
    #expect(result.output.allSatisfy { abs($0) <= greatest * 1.001 })
    #expect(result.gradients.joined().allSatisfy { $0.isFinite })
  }

  @Test(arguments: CPUBackend.availableLevels)
  func aNaNStaysInItsSequence(level: String) throws {
    let sequence = shape.dropFirst().reduce(1, *)
    for place in 0..<3 {
      var inputs = [elements(1), elements(2), elements(3)]
      let clean = try run(inputs, on: level)
      inputs[place][sequence + 5] = .nan
      let spoilt = try run(inputs, on: level)
      #expect(spoilt.output[sequence..<2 * sequence].contains { $0.isNaN })
      for others in [0..<sequence, 2 * sequence..<3 * sequence] {
        #expect(spoilt.output[others] == clean.output[others])
        for (a, b) in zip(spoilt.gradients, clean.gradients) { #expect(a[others] == b[others]) }
      }
    }
  }

  @Test(arguments: CPUBackend.availableLevels)
  func theFutureChangesNothing(level: String) throws {
    let (row, rows) = (shape[2] * shape[3], 20)
    var inputs = [elements(1), elements(2), elements(3)]
    let before = try run(inputs, on: level)
    for place in 0..<3 { for i in rows * row..<37 * row { inputs[place][i] *= -3 } }
    let after = try run(inputs, on: level)
    #expect(before.output[..<(rows * row)] == after.output[..<(rows * row)])
  }

  /// A softmax of one key is 1 whatever the score, so that only the value has a gradient.
  @Test(arguments: CPUBackend.availableLevels)
  func aSingleKeyTakesAll(level: String) throws {
    let inputs = [elements(1), elements(2), elements(3)]
    let result = try run(inputs, on: level, window: 1)
    let gradient = elements(gradientSeed)
    #expect(zip(result.output, inputs[2]).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(zip(result.gradients[2], gradient).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(result.gradients[0].allSatisfy { abs($0) < 1e-5 })
    #expect(result.gradients[1].allSatisfy { abs($0) < 1e-5 })
  }

  /// One query after the other gives what all of them at once do.
  @Test(arguments: CPUBackend.availableLevels, [0, 5])
  func stepsGiveTheWhole(level: String, window: Int) throws {
    let backend = try CPUBackend(level: level, poison: true)
    let tape = Tape(backend, recording: false)
    let layout = [1, 37, 2, 16]
    let inputs = (1...3).map { seed in
      tape.constant(backend.tensor(OpInput("", layout).elements(seed: UInt64(seed)), layout))
    }
    let slopes = tape.constant(backend.tensor([0.25, 0.0625], [2]))
    let whole = inputs[0].attention(
      keys: inputs[1], values: inputs[2], window: window, slopes: slopes)
    let expected = backend.values(whole.value).map(Double.init)
    for position in 0..<37 {
      let query = tape.constant(
        inputs[0].value.reshaped([37, 2, 16]).prefixRows(position, 1).reshaped([1, 1, 2, 16]))
      let step = query.attention(
        keys: inputs[1], values: inputs[2], window: window, slopes: slopes, offset: position)
      let found = backend.values(step.value).map(Double.init)
      #expect(relativeError(found, Array(expected[position * 32..<(position + 1) * 32])) < 1e-5)
    }
  }
}
