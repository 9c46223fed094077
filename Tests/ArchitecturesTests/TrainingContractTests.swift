import Architectures
import Configuration
import Layers
import Platform
import Synchronization
import Testing

/// What every mixer does under an optimiser.
@Suite struct TrainingContractTests {
  private static func training(
    steps: Int, rate: Double
  ) throws -> TrainingConfiguration {
    try TrainingConfiguration([
      "steps": .integer(steps), "learningRate": .number(rate), "schedule": .text("constant"),
      "weightDecay": .number(0.01),
    ])
  }

  private static func parameters(_ variant: Variant, seed: UInt64) -> [Float] {
    guard let live = try? LiveModel(variant, seed: seed),
      let training = try? training(steps: 5, rate: 1e-2)
    else { return [] }
    live.train(Lesson.random(rows: 3, length: 9), training)
    return live.parameters
  }

  @Test(arguments: Variant.defaults) func equalSeedsGiveEqualBits(_ variant: Variant) {
    let first = Self.parameters(variant, seed: 1)
    #expect(!first.isEmpty && first.allSatisfy { $0.isFinite })
    #expect(Self.parameters(variant, seed: 1) == first)
    #expect(Self.parameters(variant, seed: 2) != first)
  }

  @Test func neighboursDoNotMatter() {
    let variants = Variant.defaults
    let alone = variants.map { Self.parameters($0, seed: 1) }
    let together = Mutex<[Int: [Float]]>([:])
    let next = Atomic(0)
    Threads.run(2) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < variants.count else { return }
        let found = Self.parameters(variants[index], seed: 1)
        together.withLock { $0[index] = found }
      }
    }
    let found = together.withLock(\.self)
    for (index, variant) in variants.enumerated() {
      #expect(found[index] == alone[index], "\(variant)")
    }
  }

  /// Eight rows that end alike: the answer is in the token before, so a mixer must pass it on.
  private var recall: Lesson {
    var tokens = randomTokens(rows: 8, length: 6)
    for row in tokens.indices {
      tokens[row][4] = Int32(row + 1)
      tokens[row][5] = 0
    }
    return Lesson(tokens: tokens, targets: tokens.indices.map { [Int32(15 - $0)] })
  }

  @Test(arguments: Variant.defaults) func oneBatchIsLearnt(_ variant: Variant) throws {
    let losses = try LiveModel(variant).train(recall, Self.training(steps: 150, rate: 1e-2))
    let (first, last) = (try #require(losses.first), try #require(losses.last))
    #expect(last < 0.1 * first, "from \(first) to \(last)")
  }

  @Test(arguments: Variant.defaults) func largeStepsStayFinite(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let losses = live.train(recall, try Self.training(steps: 20, rate: 0.1))
    #expect(losses.allSatisfy { $0.isFinite })
    #expect(live.parameters.allSatisfy { $0.isFinite })
  }

  @Test(arguments: Variant.settings) func savedParametersGiveTheSameLogits(
    _ variant: Variant
  ) throws {
    let trained = try LiveModel(variant, seed: 1)
    trained.train(Lesson.random(rows: 2, length: 7), try Self.training(steps: 2, rate: 1e-2))
    let tokens = randomTokens(rows: 2, length: 7)
    let saved = Dictionary(
      uniqueKeysWithValues: trained.arena.exported().map { ($0.name, $0.elements) })
    let fresh = try LiveModel(variant, seed: 2)
    #expect(fresh.logits(tokens) != trained.logits(tokens))
    try fresh.arena.load(saved)
    #expect(fresh.logits(tokens) == trained.logits(tokens))
  }
}

/// Saved parameters that do not fit.
@Suite struct ParameterMismatchTests {
  private func saved() throws -> (live: LiveModel, parameters: [String: [Float]]) {
    let live = try LiveModel(Variant("gru"))
    let parameters = live.arena.exported().map { ($0.name, $0.elements) }
    return (live, Dictionary(uniqueKeysWithValues: parameters))
  }

  private func refusal(_ change: (inout [String: [Float]]) -> Void) throws -> ParameterMismatch? {
    var (live, parameters) = try saved()
    let before = live.parameters
    change(&parameters)
    let error = #expect(throws: ParameterMismatch.self) { try live.arena.load(parameters) }
    #expect(live.parameters == before, "a refused load must change nothing")
    return error
  }

  @Test func aMissingParameterIsRefused() throws {
    let error = try refusal { $0["embedding"] = nil }
    #expect(error?.name == "embedding")
    #expect(error?.description.contains("embedding") == true)
  }

  @Test func aMisnamedParameterIsRefused() throws {
    let error = try refusal {
      $0["embeding"] = $0["embedding"]
      $0["embedding"] = nil
    }
    #expect(error?.name == "embedding")
  }

  @Test func aParameterTooManyIsRefused() throws {
    let error = try refusal { $0["extra"] = [1] }
    #expect(error?.name == "extra")
  }

  @Test func aParameterOfAnotherSizeIsRefused() throws {
    let error = try refusal { $0["embedding"]?.removeLast() }
    #expect(error?.name == "embedding")
  }
}
