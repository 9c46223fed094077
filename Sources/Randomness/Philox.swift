/// The block function Philox-4x32-10: a keyed bijection of 128-bit counters.
///
/// It is the generator that Salmon, Moraes, Dror and Shaw recommend for processors without AES
/// instructions ("Parallel random numbers: as easy as 1, 2, 3", SC 2011): ten rounds of two
/// 32-bit products. It passes BigCrush, keeps no state but a counter, and uses integers only,
/// so every machine computes the same bits.
public enum Philox {
  /// The image of a counter under a key, as two 64-bit halves.
  ///
  /// The first word of the published vectors is the low half of `low`.
  @inlinable
  public static func block(
    low counterLow: UInt64, high counterHigh: UInt64, key: UInt64
  ) -> (low: UInt64, high: UInt64) {
    var word0 = UInt32(truncatingIfNeeded: counterLow)
    var word1 = UInt32(truncatingIfNeeded: counterLow >> 32)
    var word2 = UInt32(truncatingIfNeeded: counterHigh)
    var word3 = UInt32(truncatingIfNeeded: counterHigh >> 32)
    var key0 = UInt32(truncatingIfNeeded: key)
    var key1 = UInt32(truncatingIfNeeded: key >> 32)
    var round = 0
    while round < 10 {
      let product0 = 0xD251_1F53 &* UInt64(word0)
      let product1 = 0xCD9E_8D57 &* UInt64(word2)
      word0 = UInt32(truncatingIfNeeded: product1 >> 32) ^ word1 ^ key0
      word1 = UInt32(truncatingIfNeeded: product1)
      word2 = UInt32(truncatingIfNeeded: product0 >> 32) ^ word3 ^ key1
      word3 = UInt32(truncatingIfNeeded: product0)
      key0 &+= 0x9E37_79B9
      key1 &+= 0xBB67_AE85
      round &+= 1
    }
    return (
      UInt64(word0) | UInt64(word1) << 32,
      UInt64(word2) | UInt64(word3) << 32
    )
  }
}
