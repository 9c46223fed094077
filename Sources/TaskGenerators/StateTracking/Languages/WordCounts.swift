/// The numbers of words that an automaton accepts and rejects, and the words by their numbers.
struct WordCounts: Sendable {
  private let automaton: Automaton
  private let longest: Int
  /// For each label (0 reject, 1 accept), number of letters to come, and state: the number of ways
  /// to end with the label; above ``greatest``, that there are more.
  private let ways: [UInt64]

  /// The greatest number of words that can be dealt out.
  private static let greatest: UInt64 = 1 << 62
  /// Longer words are not counted: in all but languages of few words there are too many.
  private static let longestCounted = 1 << 10

  init(_ automaton: Automaton, longest: Int) {
    self.automaton = automaton
    self.longest = min(longest, Self.longestCounted)
    let states = automaton.stateCount
    var ways: [UInt64] = []
    for label in 0...1 {
      var last = (0..<states).map { automaton.isAccepting[$0] == (label == 1) ? 1 as UInt64 : 0 }
      ways += last
      for _ in 0..<self.longest {
        last = (0..<states).map { state in
          automaton.symbols.indices.reduce(0) { sum, symbol in
            // Both are at most 2^62 + 1, so that the sum is a number.
            min(sum + last[automaton.state(after: state, reading: symbol)], Self.greatest + 1)
          }
        }
        ways += last
      }
    }
    self.ways = ways
  }

  /// The number of words of a label; nil where it is too large to be dealt out.
  func words(_ label: Int, length: Int) -> UInt64? {
    guard length <= longest else { return nil }
    let count = ways[place(label, lettersToCome: length)]
    return count > Self.greatest ? nil : count
  }

  /// Writes the word of a number below `words`, in alphabetical order.
  func write(_ number: UInt64, label: Int, into word: UnsafeMutableBufferPointer<Int32>) {
    var rest = number
    var state = 0
    for position in word.indices {
      let base = place(label, lettersToCome: word.count - position - 1)
      for symbol in automaton.symbols.indices {
        let successor = automaton.state(after: state, reading: symbol)
        let count = ways[base + successor]
        if rest < count {
          word[position] = Int32(truncatingIfNeeded: symbol)
          state = successor
          break
        }
        rest -= count
      }
    }
  }

  private func place(_ label: Int, lettersToCome: Int) -> Int {
    (label * (longest + 1) + lettersToCome) * automaton.stateCount
  }
}
