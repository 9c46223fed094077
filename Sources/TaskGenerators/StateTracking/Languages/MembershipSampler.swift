package import Randomness

/// Draws words of a length that an automaton accepts, or that it rejects, all equally likely.
///
/// Uniform strings are hardly ever in most languages. So the label is drawn first, and then a word
/// uniformly among those with the label: a letter's probability is the share of words that go on
/// with it, counted backwards from the end (Hickey and Cohen 1983, "Uniform random generation of
/// strings in a context-free language", for automata).
package struct MembershipSampler: Sendable {
  package let automaton: Automaton
  /// For each label (0 reject, 1 accept), number of letters to come, and state: the number of
  /// ways to end with the label, in units of the greatest for that label and number of letters.
  private let ways: [Double]
  /// The same as exact numbers, nil where a number is too large to be dealt out.
  private let counts: WordCounts
  private let longest: Int

  package init(_ automaton: Automaton, longest: Int) {
    self.automaton = automaton
    self.longest = longest
    let states = automaton.stateCount
    var ways = [Double](repeating: 0, count: 2 * (longest + 1) * states)
    for label in 0...1 {
      var base = label * (longest + 1) * states
      for state in 0..<states {
        ways[base + state] = automaton.isAccepting[state] == (label == 1) ? 1 : 0
      }
      for _ in 0..<longest {
        var greatest = 0.0
        for state in 0..<states {
          let sum = automaton.symbols.indices.reduce(0.0) {
            $0 + ways[base + automaton.state(after: state, reading: $1)]
          }
          ways[base + states + state] = sum
          greatest = max(greatest, sum)
        }
        base += states
        // Without units the counts of long words would leave the range of numbers.
        if greatest > 0 { for state in 0..<states { ways[base + state] /= greatest } }
      }
    }
    self.ways = ways
    counts = WordCounts(automaton, longest: longest)
  }

  private func base(of label: Int, lettersToCome: Int) -> Int {
    (label * (longest + 1) + lettersToCome) * automaton.stateCount
  }

  /// Whether there is a word of a length that has a label.
  package func exists(_ label: Int, length: Int) -> Bool {
    ways[base(of: label, lettersToCome: length)] > 0
  }

  /// Whether a length has words of both labels.
  package func hasBoth(length: Int) -> Bool {
    exists(0, length: length) && exists(1, length: length)
  }

  /// Fills a buffer with a word of a label that exists at its length.
  ///
  /// - Parameters:
  ///   - word: Overwritten.
  ///   - label: 0 for a word that is rejected, 1 for one that is accepted.
  ///   - split: Whose words; nil for a word of any split.
  ///   - random: The source to draw from.
  package func fill(
    _ word: UnsafeMutableBufferPointer<Int32>, label: Int, split: Split? = nil,
    using random: inout RandomSource
  ) {
    guard let count = counts.words(label, length: word.count) else {
      return fillFreely(word, label: label, using: &random)
    }
    let number = WordSpace.number(below: count, split: split, using: &random)
    counts.write(number, label: label, into: word)
  }

  /// Draws letter by letter, with the words' shares.
  private func fillFreely(
    _ word: UnsafeMutableBufferPointer<Int32>, label: Int, using random: inout RandomSource
  ) {
    var source = random
    var state = 0
    for place in word.indices {
      let base = base(of: label, lettersToCome: word.count - place - 1)
      var total = 0.0
      for symbol in automaton.symbols.indices {
        total += ways[base + automaton.state(after: state, reading: symbol)]
      }
      var rest = source.uniformDouble() * total
      var chosen = -1
      for symbol in automaton.symbols.indices {
        let share = ways[base + automaton.state(after: state, reading: symbol)]
        guard share > 0 else { continue }
        // Rounding may leave a rest after the last letter, which is then the one.
        chosen = symbol
        if rest < share { break }
        rest -= share
      }
      word[place] = Int32(truncatingIfNeeded: chosen)
      state = automaton.state(after: state, reading: chosen)
    }
    random = source
  }

  /// For each length the expected number of accepted prefixes, the empty one left out, of a word
  /// of a label.
  ///
  /// Backwards as well: what is to be expected of a word's rest depends on the state and on the
  /// number of letters to come alone, so one pass serves all lengths.
  package func acceptedPrefixes(label: Int) -> [Double] {
    let states = automaton.stateCount
    var rest = [Double](repeating: 0, count: states)
    var expected = [0.0]
    for length in 1..<longest + 1 {
      let base = base(of: label, lettersToCome: length - 1)
      var next = [Double](repeating: 0, count: states)
      for state in 0..<states {
        var total = 0.0
        for symbol in automaton.symbols.indices {
          let successor = automaton.state(after: state, reading: symbol)
          let isAccepted = automaton.isAccepting[successor] ? 1.0 : 0
          next[state] += ways[base + successor] * (isAccepted + rest[successor])
          total += ways[base + successor]
        }
        if total > 0 { next[state] /= total }
      }
      rest = next
      expected.append(rest[0])
    }
    return expected
  }
}
