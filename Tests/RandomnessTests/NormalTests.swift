import Randomness
import Testing

@Suite struct NormalTests {
  /// Quantiles to 16 digits, by algorithm AS 241 in double precision (Python's `statistics`).
  static let quantiles: [(Double, Double)] = [
    (0.5, 0), (0.6, 0.2533471031357998), (0.075, -1.4395314709384557),
    (0.0749, -1.4402382675279632), (0.975, 1.9599639845400536), (1e-3, -3.090232306167813),
    (1e-6, -4.753424308822899), (1.4e-11, -6.656723091518184), (0x1p-33, -6.337957754553789),
    (0.99999, 4.26489079392384),
  ]

  @Test(arguments: quantiles)
  func quantileHasItsValue(probability: Double, expected: Double) {
    #expect(abs(normalQuantile(probability) - expected) <= 2e-7 * abs(expected))
  }

  @Test func momentsAreThoseOfTheNormalDistribution() {
    var random = RandomSource(seed: 31)
    let draws = 8000
    var sums = [0.0, 0.0, 0.0, 0.0]
    for _ in 0..<draws {
      let number = Double(random.normal())
      var power = 1.0
      for order in 0..<4 {
        power *= number
        sums[order] += power
      }
    }
    // Five standard deviations of the sample's moments: variances 1, 2, 15 and 96 over the count.
    let moments = [(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)]
    for (sum, (mean, variance)) in zip(sums, moments) {
      #expect(abs(sum / Double(draws) - mean) < 5 * (variance / Double(draws)).squareRoot())
    }
  }

  @Test func oneNumberTakesOneWord() {
    var random = RandomSource(seed: 32)
    var words = random
    _ = random.normal()
    _ = words.nextWord()
    #expect(random == words)
  }

  @Test func extremeWordsAreFinite() {
    #expect(abs(normalQuantile(0.5 * 0x1p-32) + 6.337957754553789) < 1e-5)
    #expect(normalQuantile(1 - 0.5 * 0x1p-32) == -normalQuantile(0.5 * 0x1p-32))
  }

  @Test func numbersHaveGoldenBits() {
    var random = RandomSource(seed: 33)
    #expect((0..<6).map { _ in random.normal().bitPattern } == goldenNormals)
  }
}

private let goldenNormals: [UInt32] = [
  0x3F2D_E9C0, 0xBFE4_2F50, 0x3FEB_554D, 0xBFA1_030F, 0x3E76_720A, 0x3FA2_9C1A,
]
