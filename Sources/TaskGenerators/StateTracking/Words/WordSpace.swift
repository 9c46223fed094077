package import Randomness

/// All words of one length over an alphabet, dealt out among the splits.
///
/// What a model has learned of a short word problem is told from what it has memorised only by
/// words that it was not trained on, and independent draws from few words would meet. So where a
/// length has at most 2^62 words, a fixed permutation of them deals a tenth to validation, a tenth
/// to test and the rest to train, at least one word each. It is a Feistel network, repeated until
/// its value is a word's number (Black and Rogaway, "Ciphers with arbitrary finite domains",
/// CT-RSA 2002). It depends on the alphabet's size and the length alone, so that no seed and no
/// other setting, such as another range of lengths, brings a training word into a test.
///
/// Longer words are drawn independently: with N training words, a test word is one of them with a
/// probability below N / 2^62.
package struct WordSpace: Sendable {
  private let alphabet: UInt64
  /// The number of words; nil where they are too many to be dealt out.
  package let count: UInt64?

  package init(alphabet: Int, length: Int) {
    self.alphabet = UInt64(alphabet)
    count = Self.power(self.alphabet, length)
  }

  /// The smallest length with a word for each split.
  package static func smallestLength(alphabet: Int) -> Int { alphabet == 2 ? 2 : 1 }

  /// Fills a buffer of the space's length with a random word in letters 0 ..< alphabet.
  ///
  /// - Parameters:
  ///   - word: Overwritten.
  ///   - split: Whose words; nil for a word of any split.
  ///   - random: The source to draw from.
  package func fill(
    _ word: UnsafeMutableBufferPointer<Int32>, split: Split?, using random: inout RandomSource
  ) {
    guard let count else { return fillFreely(word, using: &random) }
    var number = Self.number(below: count, split: split, using: &random)
    for place in word.indices {
      let (quotient, letter) = number.quotientAndRemainder(dividingBy: alphabet)
      word[place] = Int32(truncatingIfNeeded: letter)
      number = quotient
    }
  }

  private func fillFreely(
    _ word: UnsafeMutableBufferPointer<Int32>, using random: inout RandomSource
  ) {
    if alphabet == 2 { return random.fillBits(word) }
    var source = random
    let bound = UInt32(truncatingIfNeeded: alphabet)
    for place in word.indices { word[place] = Int32(bitPattern: source.uniform(below: bound)) }
    random = source
  }

  /// A random number of 0 ..< count that belongs to a split.
  ///
  /// Fewer numbers than splits cannot be dealt out, and every split has all of them.
  ///
  /// - Parameters:
  ///   - count: At least 1, at most 2^62.
  ///   - split: Whose numbers; nil for a number of any split.
  ///   - random: The source to draw from.
  /// - Returns: The number, each of the split's equally likely.
  package static func number(
    below count: UInt64, split: Split?, using random: inout RandomSource
  ) -> UInt64 {
    let portion = count < 3 ? nil : split.map { self.portion(of: $0, among: count) }
    let ranks = portion ?? 0..<count
    let rank = ranks.lowerBound + random.uniform(below: ranks.upperBound - ranks.lowerBound)
    return permuted(rank, among: count)
  }

  /// The ranks that belong to a split.
  package static func portion(of split: Split, among count: UInt64) -> Range<UInt64> {
    let held = max(1, count / 10)
    switch split {
    case .train: return 0..<count - 2 * held
    case .validation: return count - 2 * held..<count - held
    case .test: return count - held..<count
    }
  }

  /// The number of the word that stands at a rank: a bijection of 0 ..< count.
  package static func permuted(_ rank: UInt64, among count: UInt64) -> UInt64 {
    let bits = UInt64(64 - (count - 1).leadingZeroBitCount)
    let half = max(1, (bits + 1) / 2)
    let mask = (1 as UInt64) << half - 1
    var value = rank
    repeat {
      var left = value >> half
      var right = value & mask
      for round in 0..<6 as Range<UInt64> {
        let key = round &* 0x9E37_79B9_7F4A_7C15 &+ count
        (left, right) = (right, left ^ StableHash.mixed(right ^ StableHash.mixed(key)) & mask)
      }
      value = left << half | right
    } while value >= count
    return value
  }

  /// A first factor times a power; nil where that is more than can be dealt out.
  package static func power(
    _ base: UInt64, _ exponent: Int, times factor: UInt64 = 1
  ) -> UInt64? {
    var result = factor
    for _ in 0..<exponent {
      let (product, isTooBig) = result.multipliedReportingOverflow(by: base)
      guard !isTooBig, product <= 1 << 62 else { return nil }
      result = product
    }
    return result
  }
}
