extension RandomSource {
  /// Fills a buffer with distinct numbers of a range, each arrangement equally likely.
  ///
  /// Floyd's method (Bentley and Floyd, "A sample of brilliance", CACM 1987) and a shuffle: two
  /// draws a number whether the range is hardly used or used up, and no work for its other
  /// numbers.
  ///
  /// - Parameters:
  ///   - buffer: Overwritten; at most as long as the range.
  ///   - range: The numbers to draw from.
  ///   - marks: No number of the range is marked before; those drawn are marked after.
  @inlinable
  public mutating func fillDistinct(
    _ buffer: UnsafeMutableBufferPointer<Int32>, from range: Range<Int>, marking marks: MarkTable
  ) {
    precondition(buffer.count <= range.count, "too few numbers for a distinct choice")
    let first = range.count - buffer.count
    for place in 0..<buffer.count {
      var number = range.lowerBound + uniform(below: first + place + 1)
      if marks.contains(number) { number = range.lowerBound + first + place }
      marks.insert(number)
      buffer[place] = Int32(truncatingIfNeeded: number)
    }
    shuffle(buffer)
  }

  /// Distinct numbers of 0 ..< bound in random order, each arrangement equally likely.
  public mutating func distinct(_ count: Int, below bound: Int) -> [Int32] {
    var result = [Int32](repeating: 0, count: count)
    MarkTable.withEmpty(below: bound) { marks in
      result.withUnsafeMutableBufferPointer { fillDistinct($0, from: 0..<bound, marking: marks) }
    }
    return result
  }
}
