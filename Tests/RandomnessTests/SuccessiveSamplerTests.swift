import Randomness
import Testing

@Suite struct SuccessiveSamplerTests {
  /// The probability of drawing the items in this order, from the definition.
  private func probability(of order: [Int32], weights: [UInt64]) -> Double {
    var left = Double(weights.reduce(0, +))
    var product = 1.0
    for item in order {
      product *= Double(weights[Int(item)]) / left
      left -= Double(weights[Int(item)])
    }
    return product
  }

  private func draw(_ sampler: SuccessiveSampler, _ count: Int, _ random: inout RandomSource)
    -> [Int32]
  {
    var items = [Int32](repeating: -1, count: count)
    items.withUnsafeMutableBufferPointer { sampler.fill($0, using: &random) }
    return items
  }

  @Test(arguments: [1, 2, 4, 5])
  func ordersHaveTheirExactProbability(count: Int) {
    let weights: [UInt64] = [8, 5, 3, 3, 1]
    let sampler = SuccessiveSampler(weights: weights)
    var random = RandomSource(seed: 41).split(UInt64(count))
    let draws = 4000
    var counts: [[Int32]: Int] = [:]
    for _ in 0..<draws { counts[draw(sampler, count, &random), default: 0] += 1 }
    for (order, found) in counts {
      let expected = Double(draws) * probability(of: order, weights: weights)
      // Rare orders are Poisson, whose tail is longer than the normal's.
      #expect(abs(Double(found) - expected) < 5 * expected.squareRoot() + 6, "\(order)")
    }
    let total = counts.keys.reduce(0) { $0 + probability(of: $1, weights: weights) }
    #expect(total > 0.95)
  }

  @Test(arguments: [1, 2, 3, 7, 8, 9, 64])
  func drawingEverythingIsAPermutation(count: Int) {
    let sampler = SuccessiveSampler(powerLaw: -0.99, count: count)
    var random = RandomSource(seed: 42)
    #expect(Set(draw(sampler, count, &random)) == Set(0..<Int32(count)))
  }

  @Test func powerLawHasItsRatios() {
    let sampler = SuccessiveSampler(powerLaw: -0.5, count: 100)
    let first = Double(sampler.weight(of: 0))
    #expect(abs(Double(sampler.weight(of: 3)) / first - 1 / 2) < 1e-12)
    #expect(abs(Double(sampler.weight(of: 99)) / first - 1 / 10) < 1e-12)
    let uniform = SuccessiveSampler(powerLaw: 0, count: 9)
    #expect((0..<9).allSatisfy { uniform.weight(of: $0) == uniform.weight(of: 0) })
  }

  @Test func steepLawsKeepEveryItemPossible() {
    let sampler = SuccessiveSampler(powerLaw: -40, count: 1000)
    #expect(sampler.weight(of: 999) == 1)
    #expect(sampler.total < 1 << 63)
  }

  @Test func drawsHaveGoldenValues() {
    let sampler = SuccessiveSampler(powerLaw: -0.99, count: 112)
    var random = RandomSource(seed: 43)
    #expect(draw(sampler, 8, &random) == goldenSlots)
  }
}

private let goldenSlots: [Int32] = [2, 0, 10, 23, 7, 4, 37, 1]
