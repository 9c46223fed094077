import Randomness
import Testing

@Suite struct PortableMathTests {
  /// Values of the correctly rounded logarithm.
  static let logarithms: [(Double, Double)] = [
    (1, 0), (2, 0x1.62e42fefa39efp-1), (0.5, -0x1.62e42fefa39efp-1), (3, 0x1.193ea7aad030bp+0),
    (10, 0x1.26bb1bbb55516p+1), (1e-3, -0x1.ba18a998fffa0p+2), (1.5, 0x1.9f323ecbf984cp-2),
    (123456.789, 0x1.77281cad8a844p+3),
  ]

  static let exponentials: [(Double, Double)] = [
    (0, 1), (1, 0x1.5bf0a8b145769p+1), (-1, 0x1.78b56362cef38p-2), (0.5, 0x1.a61298e1e069cp+0),
    (-10.25, 0x1.2899a7a835446p-15), (100, 0x1.3494a9b171bf5p+144), (-0.3, 0x1.7b4c869c37c05p-1),
  ]

  @Test(arguments: logarithms)
  func logarithmIsWithinFourUnits(x: Double, expected: Double) {
    #expect(abs(PortableMath.log(x) - expected) <= 4 * expected.ulp)
  }

  @Test(arguments: exponentials)
  func exponentialIsWithinFourUnits(x: Double, expected: Double) {
    #expect(abs(PortableMath.exp(x) - expected) <= 4 * expected.ulp)
  }

  @Test func powersOfWholeNumbersAreClose() {
    #expect(abs(PortableMath.power(2, 10) - 1024) < 1e-10)
    #expect(abs(PortableMath.power(3, -2) * 9 - 1) < 1e-14)
    #expect(PortableMath.power(7, 0) == 1)
  }

  /// The bits are the contract, not the last digit: a compiler that fuses a product into a sum
  /// would be seen here.
  @Test func functionsHaveGoldenBits() {
    let bits = [0.3, 7.7, 1e10].flatMap {
      [PortableMath.log($0).bitPattern, PortableMath.power($0, -0.99).bitPattern]
    }
    #expect(bits == goldenBits)
  }
}

private let goldenBits: [UInt64] = [
  0xBFF3_4378_FCBD_A721,
  0x400A_58F7_DFAC_C22F,
  0x4000_546B_52E3_0F62,
  0x3FC0_F757_C7F1_C492,
  0x4037_069E_2AA2_AA5B,
  0x3DE1_4D73_33FD_9ED4,
]
