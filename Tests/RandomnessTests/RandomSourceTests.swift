import Randomness
import Testing

@Suite struct RandomSourceTests {
  @Test func copiesAreIndependent() {
    var original = RandomSource(seed: 5)
    _ = original.nextWord()
    var copy = original
    let expected = (0..<9).map { _ in copy.next() }
    #expect((0..<9).map { _ in original.next() } == expected)
  }

  @Test func wordsAndLongWordsAreOneStream() {
    var words = RandomSource(seed: 11)
    let expected = (0..<24).map { _ in words.nextWord() }
    for firstWords in 0..<6 {
      var random = RandomSource(seed: 11)
      var drawn = (0..<firstWords).map { _ in random.nextWord() }
      while drawn.count < 20 {
        let long = random.next()
        drawn.append(UInt32(truncatingIfNeeded: long))
        drawn.append(UInt32(truncatingIfNeeded: long >> 32))
      }
      #expect(drawn == Array(expected.prefix(drawn.count)))
    }
  }

  @Test func splitDependsOnTheStreamAndTheLabelOnly() {
    let fresh = RandomSource(seed: 3)
    var used = fresh
    for _ in 0..<7 { _ = used.nextWord() }
    #expect(used.split(4) == fresh.split(4))
    #expect(fresh.split(4) != fresh.split(5))
    #expect(fresh.split(4).split(5) != fresh.split(5).split(4))
    #expect(RandomSource(seed: 3, stream: 4, 5) == fresh.split(4).split(5))
  }

  @Test func splitStreamsHaveGoldenValues() {
    var random = RandomSource(seed: 1, stream: 2, 3)
    #expect((0..<3).map { _ in random.next() } == goldenStream)
  }

  /// Streams whose names differ in one bit or change places: the ones that a weak split confuses.
  static let relatives: [RandomSource] =
    [0, 1, 2, 1 << 32, 1 << 63].map { RandomSource(seed: $0) }
    + [0, 1, 2, 3].map { RandomSource(seed: 0).split($0) }
    + [RandomSource(seed: 1, stream: 0, 1), RandomSource(seed: 1, stream: 1, 0)]
    + [RandomSource(seed: 0, stream: 0, 0, 0), RandomSource(seed: 1).split(0)]

  @Test func relatedStreamsAreUncorrelated() {
    let length = 256
    let streams = Self.relatives.map { source in
      var random = source
      return (0..<length).map { _ in random.next() }
    }
    let bits = Double(64 * length)
    for first in streams.indices {
      for second in streams.indices where second > first {
        for lag in [0, 1, 4] {
          var equal = 0
          for place in 0..<length - lag {
            equal += (~(streams[first][place + lag] ^ streams[second][place])).nonzeroBitCount
          }
          let expected = (bits - Double(64 * lag)) / 2
          // Five standard deviations of a fair coin; about 230 comparisons are made.
          #expect(abs(Double(equal) - expected) < 5 * (bits / 4).squareRoot())
        }
      }
    }
  }

  @Test func everyBitIsFair() {
    var random = RandomSource(seed: 99)
    let draws = 4000
    var ones = [Int](repeating: 0, count: 64)
    for _ in 0..<draws {
      let word = random.next()
      for bit in 0..<64 where word >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
    }
    let deviation = (Double(draws) / 4).squareRoot()
    for count in ones { #expect(abs(Double(count) - Double(draws) / 2) < 5 * deviation) }
  }
}

private let goldenStream: [UInt64] = [
  0x4237_E3DA_AD6E_474E, 0x89A9_1C17_D071_D412, 0x6BAE_FE1B_96FF_EDAA,
]
