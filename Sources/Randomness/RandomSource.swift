/// A splittable, counter-based source of random bits.
///
/// A source is a place in a stream, and a stream is named by 128 bits (a Philox key and half of
/// its counter; see ``Philox``). So a source is a small value: copies are independent, any number
/// of streams exist side by side without a lock, and the stream of "example 17 of the test split
/// under seed 3" is reached at once, without drawing what comes before it:
///
///     var random = RandomSource(seed: 3).split(2).split(17)
///     let token = random.uniform(below: 8192)
///
/// Its bits are part of the suite's contract: golden values in the tests hold them fixed on every
/// machine and with every compiler. Draw with the methods of this module and not with
/// `Int.random(in:using:)` or `shuffle(using:)`, whose algorithms the standard library may change.
public struct RandomSource: RandomNumberGenerator, Sendable, Hashable {
  @usableFromInline let key: UInt64
  @usableFromInline let nonce: UInt64
  @usableFromInline var nextBlock: UInt64 = 0
  /// The words of the current block that are still to be drawn, the next one lowest.
  @usableFromInline var low: UInt64 = 0
  @usableFromInline var high: UInt64 = 0
  @usableFromInline var wordsLeft: UInt64 = 0

  /// The stream whose blocks are Philox of 0, 1, 2, … under the key `seed`.
  @inlinable
  public init(seed: UInt64) {
    self.init(key: seed, nonce: 0)
  }

  /// The stream that is reached from the seed's by one split per label.
  public init(seed: UInt64, stream labels: UInt64...) {
    self = labels.reduce(RandomSource(seed: seed)) { $0.split($1) }
  }

  @inlinable
  init(key: UInt64, nonce: UInt64) {
    self.key = key
    self.nonce = nonce
  }

  /// The stream of its own that belongs to a label.
  ///
  /// It depends on this source's stream and on the label, not on what was drawn before. The name
  /// of the new stream is the label's image under a key apart from the stream's own, so 2^64
  /// labels have 2^64 different streams, and streams of different parents meet as seldom as
  /// random 128-bit numbers do.
  @inlinable
  public func split(_ label: UInt64) -> RandomSource {
    let name = Philox.block(low: label, high: nonce, key: key ^ Self.splitting)
    return RandomSource(key: name.low, nonce: name.high)
  }

  /// Tells the key that names streams from the key that draws from one; the digits of e.
  @usableFromInline static let splitting: UInt64 = 0xB7E1_5162_8AED_2A6A

  /// The next 32 bits.
  @inlinable
  public mutating func nextWord() -> UInt32 {
    if wordsLeft == 0 { refill() }
    let word = UInt32(truncatingIfNeeded: low)
    low = low >> 32 | high << 32
    high >>= 32
    wordsLeft &-= 1
    return word
  }

  /// The next 64 bits: two words, the first one lowest.
  @inlinable
  public mutating func next() -> UInt64 {
    if wordsLeft == 0 { refill() }
    guard wordsLeft >= 2 else {
      let first = UInt64(nextWord())
      return first | UInt64(nextWord()) << 32
    }
    let result = low
    low = high
    high = 0
    wordsLeft &-= 2
    return result
  }

  @inlinable
  mutating func refill() {
    (low, high) = Philox.block(low: nextBlock, high: nonce, key: key)
    nextBlock &+= 1
    wordsLeft = 4
  }
}
