extension RandomSource {
  /// A number of 0 ..< bound, each equally likely.
  ///
  /// One product in place of a division, and a redraw where the product's low half shows that
  /// the draw would favour a number: Lemire, "Fast random integer generation in an interval",
  /// ACM TOMACS 2019.
  @inlinable
  public mutating func uniform(below bound: UInt32) -> UInt32 {
    precondition(bound > 0, "nothing lies below 0")
    var product = UInt64(nextWord()) &* UInt64(bound)
    if UInt32(truncatingIfNeeded: product) < bound {
      let threshold = (0 &- bound) % bound
      while UInt32(truncatingIfNeeded: product) < threshold {
        product = UInt64(nextWord()) &* UInt64(bound)
      }
    }
    return UInt32(truncatingIfNeeded: product >> 32)
  }

  /// A number of 0 ..< bound, each equally likely; it takes twice the bits of the 32-bit form.
  @inlinable
  public mutating func uniform(below bound: UInt64) -> UInt64 {
    precondition(bound > 0, "nothing lies below 0")
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return product.high
  }

  /// A number of 0 ..< bound, each equally likely.
  ///
  /// Bounds of at most 32 bits take one word, greater ones two.
  @inlinable
  public mutating func uniform(below bound: Int) -> Int {
    precondition(bound > 0, "nothing lies below 0")
    if let short = UInt32(exactly: bound) { return Int(uniform(below: short)) }
    return Int(uniform(below: UInt64(bound)))
  }

  /// A number of the range, each equally likely.
  @inlinable
  public mutating func uniform(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + uniform(below: range.upperBound - range.lowerBound + 1)
  }

  /// A multiple of 2^-24 in 0 ..< 1, each equally likely.
  @inlinable
  public mutating func uniformFloat() -> Float {
    Float(nextWord() >> 8) * 0x1p-24
  }

  /// A multiple of 2^-53 in 0 ..< 1, each equally likely.
  @inlinable
  public mutating func uniformDouble() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A fair coin: 0 or 1.
  @inlinable
  public mutating func bit() -> Int {
    Int(nextWord() >> 31)
  }

  /// Fills a buffer with fair bits, 0 or 1, at 64 bits a draw.
  @inlinable
  public mutating func fillBits(_ buffer: UnsafeMutableBufferPointer<Int32>) {
    var start = 0
    while start < buffer.count {
      var bits = next()
      let end = min(start &+ 64, buffer.count)
      while start < end {
        buffer[start] = Int32(truncatingIfNeeded: bits & 1)
        bits >>= 1
        start &+= 1
      }
    }
  }

  /// Puts the elements into a random order, each order equally likely (Fisher–Yates).
  @inlinable
  public mutating func shuffle<Element>(_ buffer: UnsafeMutableBufferPointer<Element>) {
    var last = buffer.count - 1
    while last > 0 {
      buffer.swapAt(last, uniform(below: last &+ 1))
      last &-= 1
    }
  }

  /// Puts the elements into a random order, each order equally likely.
  @inlinable
  public mutating func shuffle<Element>(_ array: inout [Element]) {
    array.withUnsafeMutableBufferPointer { shuffle($0) }
  }
}
