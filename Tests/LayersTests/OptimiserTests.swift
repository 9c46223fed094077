import Autograd
import CPUBackend
import Configuration
import Layers
import Randomness
import Tensors
import Testing

@Suite struct ScheduleTests {
  private func training(_ changes: [String: SettingValue]) throws -> TrainingConfiguration {
    let settings: [String: SettingValue] = [
      "steps": .integer(101), "learningRate": .number(0.5), "warmup": .integer(0),
    ]
    return try TrainingConfiguration(settings.merging(changes) { $1 })
  }

  private func isNear(_ found: Double, _ wanted: Double) -> Bool {
    abs(found - wanted) <= 1e-12 * max(1, abs(wanted))
  }

  @Test func constantStaysAtThePeak() throws {
    let training = try training(["schedule": .text("constant")])
    for step in [0, 1, 50, 100] { #expect(training.learningRate(atStep: step) == 0.5) }
  }

  @Test func linearFallsToTheFinalFraction() throws {
    let training = try training(["schedule": .text("linear"), "finalFraction": .number(0.1)])
    #expect(training.learningRate(atStep: 0) == 0.5)
    #expect(isNear(training.learningRate(atStep: 50), 0.5 * 0.55))
    #expect(isNear(training.learningRate(atStep: 100), 0.05))
  }

  @Test func cosineFallsToTheFinalFraction() throws {
    let training = try training(["schedule": .text("cosine"), "finalFraction": .number(0.2)])
    #expect(training.learningRate(atStep: 0) == 0.5)
    #expect(isNear(training.learningRate(atStep: 25), 0.5 * (0.2 + 0.8 * 0.853553390593273762)))
    #expect(isNear(training.learningRate(atStep: 50), 0.5 * 0.6))
    #expect(isNear(training.learningRate(atStep: 100), 0.1))
  }

  @Test(arguments: TrainingConfiguration.Schedule.allCases)
  func theWarmupRisesToThePeak(_ schedule: TrainingConfiguration.Schedule) throws {
    let training = try training([
      "schedule": .text(schedule.rawValue), "warmup": .integer(10),
    ])
    #expect(isNear(training.learningRate(atStep: 0), 0.05))
    #expect(isNear(training.learningRate(atStep: 4), 0.25))
    #expect(training.learningRate(atStep: 9) == 0.5)
    #expect(training.learningRate(atStep: 10) == 0.5)
    let last = training.learningRate(atStep: 100)
    #expect(schedule == .constant ? last == 0.5 : isNear(last, 0))
  }

  @Test func degenerateLengthsAreFinite() throws {
    for (steps, warmup) in [(1, 0), (1, 1), (2, 1), (5, 5)] {
      let training = try training(["steps": .integer(steps), "warmup": .integer(warmup)])
      for step in 0..<steps {
        let rate = training.learningRate(atStep: step)
        #expect(rate.isFinite && rate >= 0 && rate <= 0.5, "\(steps), \(warmup), \(step)")
      }
    }
  }
}

@Suite struct AdamWTests {
  /// AdamW in double precision, from the paper's algorithm 2.
  private struct Reference {
    var value: Double
    var first = 0.0
    var second = 0.0

    mutating func step(_ t: Int, _ gradient: Double, rate: Double, decay: Double) {
      first = 0.9 * first + 0.1 * gradient
      second = 0.99 * second + 0.01 * gradient * gradient
      let (m, v) = (first / (1 - raise(0.9, t)), second / (1 - raise(0.99, t)))
      value -= rate * (m / (v.squareRoot() + 1e-8) + decay * value)
    }

    private func raise(_ base: Double, _ exponent: Int) -> Double {
      (0..<exponent).reduce(1) { product, _ in product * base }
    }
  }

  @Test(arguments: [0.0, 1.0]) func stepsAsThePaperSays(_ clip: Double) throws {
    let training = try TrainingConfiguration([
      "steps": .integer(10), "learningRate": .number(0.1), "schedule": .text("constant"),
      "beta2": .number(0.99), "weightDecay": .number(0.5), "clip": .number(clip),
    ])
    let backend = try CPUBackend(poison: true)
    let parameters = Parameters()
    _ = parameters.parameter("bias", [1], .constant(-3), decays: false)
    _ = parameters.parameter("weight", [2], .constant(2))
    let arena = parameters.materialise(on: Tape(backend), random: RandomSource(seed: 0))
    // The weight comes first, the bias where weight decay ends; between them is nothing.
    let places = [0, 1, arena.decayed]
    let count = arena.values.count
    #expect(arena.decayed >= 2 && count > arena.decayed)
    let optimizer = AdamW(training, arena, on: backend)
    var expected = [Reference(value: 2), Reference(value: 2), Reference(value: -3)]
    for t in 1...10 {
      let gradients = [0.5, -2.0 * Double(t), 1.5]
      var all = [Float](repeating: 0, count: count)
      for (place, gradient) in zip(places, gradients) { all[place] = Float(gradient) }
      backend.copy(backend.tensor(all, [count]), to: arena.gradients)
      #expect(optimizer.step() == 0.1)
      let norm = gradients.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let scale = clip > 0 ? min(1, clip / norm) : 1
      for index in 0..<3 {
        expected[index].step(
          t, scale * gradients[index], rate: 0.1, decay: index < 2 ? 0.5 : 0)
      }
      #expect(backend.values(arena.gradients).allSatisfy { $0 == 0 })
    }
    let values = backend.values(arena.values)
    for (place, wanted) in zip(places, expected) {
      #expect(abs(Double(values[place]) - wanted.value) < 1e-5)
    }
    #expect(values.indices.allSatisfy { places.contains($0) || values[$0] == 0 })
    #expect(optimizer.stepCount == 10)
  }

  /// What is recorded once and replayed: only the scalars change from step to step.
  @Test func aStepIsItsScalarsAndItsLaunches() throws {
    let training = try TrainingConfiguration(["steps": .integer(6), "warmup": .integer(3)])
    let backend = try CPUBackend(poison: true)
    let arenas = (0..<2).map { _ in
      let parameters = Parameters()
      _ = parameters.parameter("weight", [5], .constant(2))
      return parameters.materialise(on: Tape(backend), random: RandomSource(seed: 0))
    }
    let optimizers = arenas.map { AdamW(training, $0, on: backend) }
    for step in 0..<6 {
      for arena in arenas { backend.fill(arena.gradients, with: Float(step) - 2.5) }
      let prepared = optimizers[0].advance()
      optimizers[0].apply(backend.tensor(prepared.values, [AdamWStep.count]))
      #expect(optimizers[1].step() == prepared.rate)
      #expect(prepared.rate == training.learningRate(atStep: step))
      #expect(backend.values(arenas[0].values) == backend.values(arenas[1].values))
      #expect(backend.values(arenas[0].gradients).allSatisfy { $0 == 0 })
    }
  }

  @Test func powersAreExact() {
    #expect(power(2, 10) == 1024)
    #expect(power(0.5, 3) == 0.125)
    #expect(power(0.9, 0) == 1)
  }
}
