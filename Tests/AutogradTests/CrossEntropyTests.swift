import Autograd
import CPUBackend
import Randomness
import Tensors
import Testing

/// What the case table of the cross-entropy cannot say: arg-maxima, padding, evaluation, tiles.
@Suite struct CrossEntropyTests {
  @Test(arguments: CPUBackend.availableLevels)
  func firstOfEqualLogitsIsBest(_ level: String) throws {
    let setup = try Setup(level, hidden: [1, 1, 0], width: 1, weight: [0, 2, 2, -1, 2])
    let result = setup.loss(targets: [0, -1, 3])
    // Row 1 is padding; in row 2 all logits are equal.
    #expect(setup.backend.values(result.best) == [1, -1, 0])
    #expect(setup.backend.values(result.losses)[1] == 0)
  }

  @Test(arguments: CPUBackend.availableLevels)
  func paddingHasNoGradient(_ level: String) throws {
    let setup = try Setup(level, hidden: [.nan, 1, 2, .nan, .nan], width: 1, weight: [1, 2, 3])
    let result = setup.loss(targets: [-1, 0, 2, -1, -1])
    let losses = setup.backend.values(result.losses)
    #expect(losses[0] == 0 && losses[1] > 0 && losses[2] > 0 && losses[3] == 0 && losses[4] == 0)
    let gradient = try #require(setup.hidden.gradient)
    let values = setup.backend.values(gradient)
    #expect(values[3] == 0 && values[4] == 0)
    #expect(values[1].isFinite && values[2].isFinite)
  }

  @Test(arguments: CPUBackend.availableLevels)
  func divergenceIsSeen(_ level: String) throws {
    let weight = (0..<37).map { $0 == 35 ? Float.nan : Float($0) }
    let setup = try Setup(level, hidden: [1, 1], width: 1, weight: weight)
    #expect(setup.backend.values(setup.loss(targets: [3, -1]).losses)[0].isNaN)
  }

  @Test(arguments: CPUBackend.availableLevels)
  func zeroScaleGivesZeroGradients(_ level: String) throws {
    let setup = try Setup(level, hidden: [1, -1], width: 1, weight: [1, 2, 3])
    _ = setup.loss(targets: [0, 1], scale: 0)
    for variable in [setup.hidden, setup.weight] {
      let gradient = try #require(variable.gradient)
      #expect(setup.backend.values(gradient).allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: CPUBackend.availableLevels)
  func evaluationIsTheSameWithoutGradients(_ level: String) throws {
    let training = try Setup.random(level, rows: 300, width: 9, vocabulary: 70)
    let evaluation = try Setup.random(level, rows: 300, width: 9, vocabulary: 70, recording: false)
    let targets = (0..<300).map { Int32($0 * 31 % 70) }
    let (trained, evaluated) = (training.loss(targets: targets), evaluation.loss(targets: targets))
    let backend = training.backend
    #expect(backend.values(trained.losses) == evaluation.backend.values(evaluated.losses))
    #expect(backend.values(trained.best) == evaluation.backend.values(evaluated.best))
    #expect(evaluation.hidden.gradient == nil && evaluation.weight.gradient == nil)
  }

  /// 600 rows are three tiles; the same rows one by one are tiles of one row.
  @Test(arguments: CPUBackend.availableLevels)
  func tilesAgreeWithSingleRows(_ level: String) throws {
    let (rows, width, vocabulary) = (600, 5, 40)
    let whole = try Setup.random(level, rows: rows, width: width, vocabulary: vocabulary)
    let targets = (0..<rows).map { $0 > 590 ? -1 : Int32($0 * 7 % vocabulary) }
    let losses = whole.backend.values(whole.loss(targets: targets).losses)
    let single = try Setup.random(level, rows: rows, width: width, vocabulary: vocabulary)
    for row in 0..<rows {
      let part = Variable(single.hidden.value.prefixRows(row, 1), on: single.tape)
      let result = part.crossEntropy(
        weight: single.weight, targets: single.backend.indices([targets[row]], [1]),
        scale: single.backend.tensor([1], [1]))
      #expect(abs(single.backend.values(result.losses)[0] - losses[row]) < 1e-5)
    }
    let found = whole.backend.values(try #require(whole.weight.gradient)).map(Double.init)
    let expected = single.backend.values(try #require(single.weight.gradient)).map(Double.init)
    #expect(relativeError(found, expected) < 1e-5)
  }
}

/// A hidden state and a head on one CPU level.
private struct Setup {
  let backend: CPUBackend
  let tape: Tape
  let hidden: Variable
  let weight: Variable

  init(
    _ level: String, hidden: [Float], width: Int, weight: [Float], recording: Bool = true
  ) throws {
    backend = try CPUBackend(level: level, poison: true)
    tape = Tape(backend, recording: recording)
    self.hidden = Variable(
      backend.tensor(hidden, [hidden.count / width, width]), on: tape, needsGradient: true)
    self.weight = Variable(
      backend.tensor(weight, [weight.count / width, width]), on: tape, needsGradient: true)
  }

  static func random(
    _ level: String, rows: Int, width: Int, vocabulary: Int, recording: Bool = true
  ) throws -> Setup {
    var random = RandomSource(seed: 5)
    let hidden = (0..<rows * width).map { _ in random.normal() }
    let weight = (0..<vocabulary * width).map { _ in random.normal() }
    return try Setup(level, hidden: hidden, width: width, weight: weight, recording: recording)
  }

  func loss(targets: [Int32], scale: Float = 1) -> LossResult {
    let result = hidden.crossEntropy(
      weight: weight, targets: backend.indices(targets, [targets.count]),
      scale: backend.tensor([scale], [1]))
    tape.backward()
    return result
  }
}
