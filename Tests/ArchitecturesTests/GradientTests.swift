import Autograd
import Configuration
import Randomness
import Testing

/// The model's gradient against finite differences of its own loss.
@Suite struct GradientTests {
  private let lesson = Lesson.random(rows: 3, length: 9)

  /// The rounding of a mean of a few dozen float losses, over the step.
  private func noise(_ step: Double) -> Double { 1e-6 / step }

  @Test(arguments: Variant.all) func descendsAsItSays(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let gradient = live.gradient(lesson)
    #expect(gradient.allSatisfy { $0.isFinite })
    try check(live, gradient, along: gradient.map(Double.init), "its own direction")
    var random = RandomSource(seed: 3)
    try check(
      live, gradient, along: gradient.map { Double($0 * random.normal()) }, "a random direction")
  }

  /// Every parameter on its own, so that no large gradient hides a small one that is wrong.
  @Test(arguments: Variant.settings) func everyParameterHasItsGradient(_ variant: Variant) throws {
    let live = try LiveModel(variant.with("layers", .integer(1)))
    let gradient = live.gradient(lesson)
    for (name, range) in live.places {
      #expect(gradient[range].contains { $0 != 0 }, "\(name) has no gradient")
      var direction = [Double](repeating: 0, count: gradient.count)
      for index in range { direction[index] = Double(gradient[index]) }
      try check(live, gradient, along: direction, name)
    }
  }

  @Test(arguments: Variant.backbones) func noParameterIsIdle(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let gradient = live.gradient(lesson)
    for (name, range) in live.places {
      #expect(gradient[range].contains { $0 != 0 }, "\(name) has no gradient")
    }
  }

  /// Compares the slope with differences at two steps, whose errors of second order cancel.
  private func check(
    _ live: LiveModel, _ gradient: [Float], along direction: [Double], _ what: String
  ) throws {
    let start = live.parameters
    let length = norm(direction)
    try #require(length > 0, "\(what) is zero")
    let moved = direction.indices.filter { direction[$0] != 0 }
    let size = norm(moved.map { Double(start[$0]) })
    // Small against the parameters, and so that the loss moves by about a hundredth.
    let steepness = norm(moved.map { Double(gradient[$0]) })
    let step = min(0.05 * max(size, 0.1 * Double(moved.count).squareRoot()), 0.01 / steepness)
    let slope = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * $1.1 } / length

    live.tape.isRecording = false
    defer {
      live.tape.isRecording = true
      live.parameters = start
    }
    func difference(_ step: Double) -> Double {
      func loss(_ step: Double) -> Double {
        var parameters = start
        for index in moved { parameters[index] += Float(step * direction[index] / length) }
        live.parameters = parameters
        return live.loss(lesson)
      }
      return (loss(step) - loss(-step)) / (2 * step)
    }
    // A normalised head whose output nearly vanishes bends so sharply that only the smallest
    // steps see its slope.
    var found: [Double] = []
    let agrees = [step, step / 4, step / 16].contains { step in
      found.append((4 * difference(step / 2) - difference(step)) / 3)
      return abs((found.last ?? .nan) - slope) <= 0.02 * abs(slope) + noise(step)
    }
    #expect(agrees, "\(what): slope \(slope), differences \(found)")
  }

  private func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
