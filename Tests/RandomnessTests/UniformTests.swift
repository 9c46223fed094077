import Randomness
import Testing

@Suite struct UniformTests {
  @Test(arguments: [1, 2, 3, 6, 7, 100])
  func everyNumberBelowTheBoundIsEquallyLikely(bound: Int) {
    var random = RandomSource(seed: 21).split(UInt64(bound))
    let draws = 60 * bound + 600
    var counts = [Int](repeating: 0, count: bound)
    for _ in 0..<draws { counts[random.uniform(below: bound)] += 1 }
    #expect(chiSquare(counts) < limit(degrees: bound - 1))
  }

  /// Without the redraws, the low two thirds of this range would be twice as likely.
  @Test func hugeBoundsAreNotFavoured() {
    let draws = 3000
    var thirds = [0, 0, 0]
    var random = RandomSource(seed: 22)
    for _ in 0..<draws { thirds[Int(random.uniform(below: UInt32(3) << 30) >> 30)] += 1 }
    #expect(chiSquare(thirds) < limit(degrees: 2))
    thirds = [0, 0, 0]
    for _ in 0..<draws { thirds[Int(random.uniform(below: UInt64(3) << 62) >> 62)] += 1 }
    #expect(chiSquare(thirds) < limit(degrees: 2))
  }

  @Test func boundsBeyondOneWordUseTwo() {
    var random = RandomSource(seed: 23)
    let drawn = (0..<64).map { _ in random.uniform(below: 1 << 40) }
    #expect(drawn.allSatisfy { (0..<1 << 40).contains($0) })
    #expect(drawn.contains { $0 > UInt32.max })
  }

  @Test func rangeReachesBothEnds() {
    var random = RandomSource(seed: 24)
    let drawn = Set((0..<200).map { _ in random.uniform(in: -2...2) })
    #expect(drawn == [-2, -1, 0, 1, 2])
  }

  @Test func fractionsLieInTheUnitInterval() {
    var random = RandomSource(seed: 25)
    var sum = 0.0
    for _ in 0..<2000 {
      let float = random.uniformFloat()
      let double = random.uniformDouble()
      #expect(float >= 0 && float < 1 && double >= 0 && double < 1)
      sum += Double(float) + double
    }
    // The mean of 4000 numbers; its standard deviation is 1/sqrt(12 * 4000).
    #expect(abs(sum / 4000 - 0.5) < 5 * 0.00457)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 200])
  func bitsInBulkAreTheBitsOfTheStream(count: Int) {
    var random = RandomSource(seed: 26)
    var bits = [Int32](repeating: 7, count: count)
    bits.withUnsafeMutableBufferPointer { random.fillBits($0) }
    var again = RandomSource(seed: 26)
    let words = (0..<4).map { _ in again.next() }
    #expect(bits == (0..<count).map { Int32(words[$0 / 64] >> UInt64($0 % 64) & 1) })
  }

  @Test func coinIsFair() {
    var random = RandomSource(seed: 27)
    let ones = (0..<4000).reduce(0) { sum, _ in sum + random.bit() }
    #expect(abs(ones - 2000) < 158)
  }

  @Test func everyOrderIsEquallyLikely() {
    var random = RandomSource(seed: 28)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<2400 {
      var items = [0, 1, 2, 3]
      random.shuffle(&items)
      counts[items, default: 0] += 1
    }
    #expect(counts.count == 24)
    #expect(chiSquare(Array(counts.values)) < limit(degrees: 23))
  }

  @Test(arguments: [(3, 5, 60), (4, 4, 24), (1, 6, 6)])
  func everyDistinctArrangementIsEquallyLikely(count: Int, bound: Int, arrangements: Int) {
    var random = RandomSource(seed: 29).split(UInt64(count))
    var counts: [[Int32]: Int] = [:]
    for _ in 0..<40 * arrangements { counts[random.distinct(count, below: bound), default: 0] += 1 }
    #expect(counts.count == arrangements)
    #expect(chiSquare(Array(counts.values)) < limit(degrees: arrangements - 1))
  }

  @Test func distinctNumbersStayInTheirRangeAndAreMarked() {
    var random = RandomSource(seed: 30)
    var drawn = [Int32](repeating: 0, count: 20)
    MarkTable.withEmpty(below: 200) { marks in
      drawn.withUnsafeMutableBufferPointer {
        random.fillDistinct($0, from: 100..<130, marking: marks)
      }
      for number in 0..<200 { #expect(marks.contains(number) == drawn.contains(Int32(number))) }
    }
    #expect(Set(drawn).count == 20)
    #expect(drawn.allSatisfy { (100..<130).contains($0) })
  }

  @Test func samplersHaveGoldenValues() {
    var random = RandomSource(seed: 2026)
    #expect((0..<5).map { _ in random.uniform(below: 8192) } == goldenBelow)
    #expect(random.distinct(5, below: 40) == goldenDistinct)
    var order = Array(0..<8)
    random.shuffle(&order)
    #expect(order == goldenOrder)
  }
}

private let goldenBelow: [Int] = [3531, 4278, 5753, 2429, 8095]
private let goldenDistinct: [Int32] = [12, 16, 31, 27, 28]
private let goldenOrder: [Int] = [1, 7, 4, 2, 0, 3, 6, 5]
