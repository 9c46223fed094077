/// Weighted sampling without replacement: repeatedly draw, with odds in proportion to the
/// weights, among the items that were not drawn yet.
///
/// The law is exact at every density, from one item of many to all of them: the weights are
/// whole numbers, and the remaining ones are kept summed in a Fenwick tree (Fenwick, "A new data
/// structure for cumulative frequency tables", 1994), which finds and removes an item in
/// logarithmic time. Nothing is rounded while drawing, so every machine draws the same items.
public struct SuccessiveSampler: Sendable {
  /// The number of items.
  public let count: Int
  /// The sum of all weights.
  public let total: UInt64
  /// Node i sums the weights of the last `i & -i` items up to the i-th; the count is a power of 2.
  private let tree: [UInt64]
  private let weights: [UInt64]

  /// A sampler of items 0 ..< weights.count.
  ///
  /// - Parameter weights: Above 0; their sum is below 2^63.
  public init(weights: [UInt64]) {
    precondition(weights.allSatisfy { $0 > 0 }, "a weight must be above 0")
    let leaves = Self.powerOfTwo(atLeast: max(weights.count, 1))
    var tree = [0] + weights + [UInt64](repeating: 0, count: leaves - weights.count)
    for node in 1...leaves {
      let parent = node + (node & -node)
      if parent <= leaves { tree[parent] += tree[node] }
    }
    self.count = weights.count
    self.weights = weights
    self.tree = tree
    self.total = tree[leaves]
    precondition(total < 1 << 63, "the sum of the weights must be below 2^63")
  }

  /// A sampler of items with weights in proportion to `(item + 1)^exponent`.
  ///
  /// The weights are rounded to fixed point once, the greatest one being 2^62 over the number of
  /// items rounded up to a power of two; none is rounded to 0.
  public init(powerLaw exponent: Double, count: Int) {
    let logs = (0..<count).map { exponent * PortableMath.log(Double($0 + 1)) }
    let greatest = logs.max() ?? 0
    let scale = Double((1 << 62) / UInt64(Self.powerOfTwo(atLeast: max(count, 1))))
    self.init(
      weights: logs.map { log in
        max(1, UInt64(PortableMath.exp(max(log - greatest, -700)) * scale))
      })
  }

  /// The weight of an item.
  public func weight(of item: Int) -> UInt64 { weights[item] }

  /// Fills a buffer with distinct items in the order in which they are drawn.
  public func fill(
    _ buffer: UnsafeMutableBufferPointer<Int32>, using random: inout RandomSource
  ) {
    precondition(buffer.count <= count, "more items are asked for than there are")
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: tree.count) { sums in
      _ = sums.initialize(from: tree)
      var remaining = total
      for place in 0..<buffer.count {
        let item = Self.find(random.uniform(below: remaining), in: sums)
        buffer[place] = Int32(truncatingIfNeeded: item)
        remaining -= weights[item]
        Self.remove(weights[item], at: item, from: sums)
      }
    }
  }

  /// The item whose share of the remaining weight holds the given place.
  private static func find(_ place: UInt64, in sums: UnsafeMutableBufferPointer<UInt64>) -> Int {
    var rest = place
    var item = 0
    var step = (sums.count - 1) >> 1
    while step > 0 {
      let below = sums[item + step]
      if rest >= below {
        rest -= below
        item += step
      }
      step >>= 1
    }
    return item
  }

  private static func remove(
    _ weight: UInt64, at item: Int, from sums: UnsafeMutableBufferPointer<UInt64>
  ) {
    var node = item + 1
    while node < sums.count {
      sums[node] -= weight
      node += node & -node
    }
  }

  private static func powerOfTwo(atLeast number: Int) -> Int {
    number <= 1 ? 1 : 1 << (Int.bitWidth - (number - 1).leadingZeroBitCount)
  }
}
