/// A set of the numbers 0 ..< bound, one bit each, in memory that belongs to a scope.
///
/// It answers "is this id already taken?" while an example is made, without touching the heap
/// for vocabularies of up to 8192.
public struct MarkTable {
  @usableFromInline let words: UnsafeMutableBufferPointer<UInt64>

  @usableFromInline
  init(words: UnsafeMutableBufferPointer<UInt64>) {
    self.words = words
  }

  /// Calls a closure with an empty set, which must not outlive the call.
  @inlinable
  public static func withEmpty<Result>(
    below bound: Int, _ body: (MarkTable) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: (bound + 63) / 64) { words in
      words.initialize(repeating: 0)
      return body(MarkTable(words: words))
    }
  }

  @inlinable
  public func contains(_ number: Int) -> Bool {
    words[number >> 6] >> UInt64(number & 63) & 1 == 1
  }

  @inlinable
  public func insert(_ number: Int) {
    words[number >> 6] |= 1 << UInt64(number & 63)
  }
}
