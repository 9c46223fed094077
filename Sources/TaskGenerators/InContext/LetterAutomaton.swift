package import Randomness

/// A deterministic automaton whose states all accept, so that only a missing edge refuses a
/// string; state 0 is the start.
///
/// Made by `minimised()`, it is the one automaton of its language with the fewest states, numbered
/// breadth first in the order of the letters: equal values are equal languages.
package struct LetterAutomaton: Sendable, Hashable {
  /// The number of letters that an edge may have.
  package let symbols: Int
  /// For each state the letters of its edges: bit i for letter i.
  package private(set) var letters: [UInt64]
  /// [states, symbols], where each edge leads; 0 where there is none.
  ///
  /// Of at most 64 states, which is what the tasks draw, each fits a byte.
  private var targets: [UInt8]

  package var states: Int { letters.count }

  /// The state behind the edge of a letter; there must be one.
  package func state(after state: Int, _ letter: Int) -> Int {
    Int(targets[state * symbols + letter])
  }

  private init(symbols: Int, states: Int) {
    self.symbols = symbols
    letters = [UInt64](repeating: 0, count: states)
    targets = [UInt8](repeating: 0, count: states * symbols)
  }

  private mutating func addEdge(from state: Int, _ letter: Int, to target: Int) {
    letters[state] |= 1 << UInt64(letter)
    targets[state * symbols + letter] = UInt8(truncatingIfNeeded: target)
  }

  /// Draws an automaton as Akyürek, Wang, Kim and Andreas (2024) do; it is not minimised.
  ///
  /// - Parameters:
  ///   - states: Its number of states n.
  ///   - alphabet: The letters in use.
  ///   - edges: Each state has so many edges, with different letters, to different other states.
  ///   - symbols: The number of all letters, at most 63.
  ///   - random: Drawn from.
  package init(
    states: Int, alphabet: [Int32], edges: ClosedRange<Int>, symbols: Int,
    using random: inout RandomSource
  ) {
    self.init(symbols: symbols, states: states)
    for state in 0..<states {
      let count = random.uniform(in: edges)
      let letters = random.distinct(count, below: alphabet.count)
      let others = random.distinct(count, below: states - 1)
      for (letter, other) in zip(letters, others) {
        let target = Int(other) + (Int(other) >= state ? 1 : 0)
        addEdge(from: state, Int(alphabet[Int(letter)]), to: target)
      }
    }
  }

  /// The automaton of the same language with the fewest states.
  package func minimised() -> LetterAutomaton {
    let classes = equivalenceClasses()
    var numbers: [Int?] = [Int?](repeating: nil, count: (classes.max() ?? 0) + 1)
    numbers[classes[0]] = 0
    var order = [0]
    var edges: [(from: Int, letter: Int, to: Int)] = []
    var next = 0
    while next < order.count {
      let state = order[next]
      letters[state].forEachBit { letter in
        let target = self.state(after: state, letter)
        let number = numbers[classes[target]] ?? order.count
        if number == order.count {
          numbers[classes[target]] = number
          order.append(target)
        }
        edges.append((next, letter, number))
      }
      next += 1
    }
    var result = LetterAutomaton(symbols: symbols, states: order.count)
    for edge in edges { result.addEdge(from: edge.from, edge.letter, to: edge.to) }
    return result
  }

  /// For each state the number of its class: two states of one class accept the same strings.
  ///
  /// Moore's refinement (1956): classes that agree on a letter fewer are split until none is.
  private func equivalenceClasses() -> [Int] {
    var classes = [Int](repeating: 0, count: states)
    var count = 1
    while true {
      var refined = classes
      var representatives: [Int] = []
      for state in 0..<states {
        let known = representatives.firstIndex { agree(state, $0, under: classes) }
        refined[state] = known ?? representatives.count
        if known == nil { representatives.append(state) }
      }
      // Refinement only splits, so an equal number of classes means the same classes.
      if representatives.count == count { return refined }
      (classes, count) = (refined, representatives.count)
    }
  }

  private func agree(_ first: Int, _ second: Int, under classes: [Int]) -> Bool {
    guard classes[first] == classes[second], letters[first] == letters[second] else {
      return false
    }
    return letters[first].allBits { letter in
      classes[state(after: first, letter)] == classes[state(after: second, letter)]
    }
  }

  /// A hash that is the same in every process; of a minimised automaton it names the language.
  package var stableHash: UInt64 {
    var hash = StableHash()
    hash.combine(UInt64(states))
    for state in 0..<states {
      hash.combine(letters[state])
      letters[state].forEachBit { hash.combine(UInt64(self.state(after: state, $0))) }
    }
    return hash.value
  }
}

extension UInt64 {
  /// Calls a closure with the places of the ones, ascending.
  func forEachBit(_ body: (Int) -> Void) {
    var rest = self
    while rest != 0 {
      body(rest.trailingZeroBitCount)
      rest &= rest - 1
    }
  }

  /// Whether a condition holds for the places of all ones.
  func allBits(_ condition: (Int) -> Bool) -> Bool {
    var rest = self
    while rest != 0 {
      if !condition(rest.trailingZeroBitCount) { return false }
      rest &= rest - 1
    }
    return true
  }

  /// The place of the one that has `rank` ones below it.
  func placeOfOne(rank: Int) -> Int {
    var rest = self
    for _ in 0..<rank { rest &= rest - 1 }
    return rest.trailingZeroBitCount
  }
}
