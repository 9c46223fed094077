import Testing

@testable import Reports

@Suite struct StatisticTests {
  @Test func threeSeeds() throws {
    let statistic = try #require(Statistic([0.9, 0.5, 0.7]))
    #expect(abs(statistic.mean - 0.7) < 1e-15)
    #expect(statistic.median == 0.7)
    #expect(statistic.best == 0.9)
    // The three equal draws of the least value have a probability of 1/27 > 2.5%.
    #expect(statistic.lower == 0.5)
    #expect(statistic.upper == 0.9)
    #expect(statistic.values == [0.9, 0.5, 0.7])
  }

  @Test func oneSeedHasNoInterval() throws {
    let statistic = try #require(Statistic([0.25]))
    #expect(statistic.lower == nil)
    #expect(statistic.halfInterval == nil)
    #expect(statistic.median == 0.25)
    #expect(Statistic([]) == nil)
  }

  @Test func equalSeedsHaveAnIntervalOfNoWidth() throws {
    for count in [2, 5, 20] {
      let statistic = try #require(Statistic([Double](repeating: 0.1, count: count)))
      #expect(statistic.mean == 0.1)
      #expect(statistic.halfInterval == 0)
    }
  }

  @Test func anEvenNumberHasTheMiddleOfTwo() throws {
    #expect(try #require(Statistic([4, 1, 3, 2])).median == 2.5)
  }

  /// Enumerated with Python's `itertools.product` over all 5^5 resamples.
  @Test func fiveSeedsByEnumeration() throws {
    let statistic = try #require(Statistic([0.1, 0.2, 0.4, 0.8, 1.6]))
    #expect(abs(try #require(statistic.lower) - 0.2000) < 1e-12)
    #expect(abs(try #require(statistic.upper) - 1.1400) < 1e-12)
  }

  /// With many seeds the interval is near that of the normal distribution: the standard deviation
  /// of the mean of 0, 1, …, 99 is 28.866 / 10, and 1.96 of them are 5.658.
  @Test func manySeedsByResampling() throws {
    let statistic = try #require(Statistic((0..<100).map(Double.init)))
    #expect(abs(try #require(statistic.lower) - (49.5 - 5.658)) < 0.2)
    #expect(abs(try #require(statistic.upper) - (49.5 + 5.658)) < 0.2)
    #expect(Statistic((0..<100).map(Double.init)) == statistic)
  }

  /// The first numbers of the reference implementation with seed 1234567.
  @Test func generatorVectors() {
    var random = SplitMix64(state: 1_234_567)
    #expect(random.next() == 6_457_827_717_110_365_317)
    #expect(random.next() == 3_203_168_211_198_807_973)
  }
}
