import Randomness

/// Short sequences dealt out among the splits by a hash of their tokens.
///
/// Where the sequences of a length are not equally likely, they cannot be numbered as in
/// ``WordSpace``; so a sequence that belongs to another split is drawn again. A tenth of all
/// belongs to validation and a tenth to test, whatever the task's settings and the seed.
///
/// A sequence of more tokens is left as it was drawn: with half a bit of chance in every token, two
/// draws meet with a probability of 2^-64. Where a length has so few sequences that none of them is a
/// split's, such as a single one, the split takes any.
package enum SequenceDeal {
  /// The tokens up to which sequences are dealt out.
  package static let longest = 128
  /// The draws after which a sequence of another split is taken, because this one has none: a
  /// split's tenth is missed by so many draws with a probability of 10^-12.
  static let draws = 256

  package static func split(of tokens: [Int32]) -> Split {
    var hash = StableHash()
    for token in tokens { hash.combine(UInt64(UInt32(bitPattern: token))) }
    switch hash.value % 10 {
    case 0: return .validation
    case 1: return .test
    default: return .train
    }
  }
}

extension TaskGenerator {
  /// Draws an example until its sequence is one of the split's.
  ///
  /// Where lengths on both sides of ``SequenceDeal/longest`` are drawn, the first draw decides on
  /// which it is. If a short sequence of another split could become a long one, which belongs to
  /// all, validation and test would have ten times as many long ones as were asked for.
  func writeDealt(
    using random: inout RandomSource, split: Split, into example: inout Example
  ) {
    var hasLong = false
    for draw in 0..<2 * SequenceDeal.draws {
      write(using: &random, into: &example)
      if example.tokens.count > SequenceDeal.longest {
        // Of short ones that are so rare that none was found, a long one takes the place.
        if draw == 0 || draw >= SequenceDeal.draws { return }
        hasLong = true
      } else if SequenceDeal.split(of: example.tokens) == split {
        return
      }
      if draw == SequenceDeal.draws - 1, !hasLong { return }
    }
  }
}
