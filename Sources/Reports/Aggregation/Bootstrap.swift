/// The percentile bootstrap of a mean (Efron, 1979): what the mean would be if the seeds had been
/// drawn again from those at hand.
///
/// For a few seeds all resamples are enumerated, so the interval is exact: with two or three seeds
/// it spans from the least to the greatest value. For more, 10,000 are drawn from a fixed stream.
enum Bootstrap {
  static let share = 0.95
  static let resamples = 10_000
  /// Up to here there are at most 1,716 distinct resamples.
  static let enumerated = 7

  /// The interval of the mean; nil of less than two values.
  static func interval(ofMean values: [Double]) -> ClosedRange<Double>? {
    guard values.count > 1 else { return nil }
    // Equal values need no work, and their sums must not differ by rounding.
    if let first = values.first, values.allSatisfy({ $0 == first }) { return first...first }
    var means =
      values.count <= enumerated ? allMeans(of: values) : drawnMeans(of: values)
    means.sort { $0.value < $1.value }
    let tail = (1 - share) / 2
    // No mean leaves the range of the values, but for rounding.
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
    let lower = max(least, quantile(tail, of: means))
    return lower...max(lower, min(greatest, quantile(1 - tail, of: means)))
  }

  struct WeightedMean {
    let value: Double
    let probability: Double
  }

  /// The smallest value of sorted ones up to which the share lies.
  private static func quantile(_ share: Double, of means: [WeightedMean]) -> Double {
    var sum = 0.0
    for mean in means {
      sum += mean.probability
      if sum >= share - 1e-12 { return mean.value }
    }
    return means[means.count - 1].value
  }

  /// Every multiset of the values with its multinomial probability.
  private static func allMeans(of values: [Double]) -> [WeightedMean] {
    let count = values.count
    var means: [WeightedMean] = []
    func extend(_ index: Int, left: Int, sum: Double, orders: Double) {
      if index == count - 1 {
        let total = sum + Double(left) * values[index]
        means.append(
          WeightedMean(value: total / Double(count), probability: orders / factorial(left)))
        return
      }
      for copies in 0...left {
        extend(
          index + 1, left: left - copies, sum: sum + Double(copies) * values[index],
          orders: orders / factorial(copies))
      }
    }
    let all = (0..<count).reduce(1.0) { power, _ in power * Double(count) }
    extend(0, left: count, sum: 0, orders: factorial(count) / all)
    return means
  }

  private static func drawnMeans(of values: [Double]) -> [WeightedMean] {
    var random = SplitMix64(state: 0)
    let count = UInt64(values.count)
    return (0..<resamples).map { _ in
      var sum = 0.0
      for _ in values { sum += values[Int(random.next().multipliedFullWidth(by: count).high)] }
      return WeightedMean(
        value: sum / Double(values.count), probability: 1 / Double(resamples))
    }
  }

  private static func factorial(_ number: Int) -> Double {
    number < 2 ? 1 : (2...number).reduce(1.0) { $0 * Double($1) }
  }
}

/// The generator SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
