/// The n-grams of the strings that were seen so far, with back-off.
///
/// The probability of a letter after a context of n - 1 symbols is the share of the context's
/// occurrences that it followed. What is left, because an occurrence has no follower yet, goes to
/// the letters that never followed, in the proportions of the shorter context (Katz 1987, without
/// discounts), as in the baselines of Akyürek et al. 2024; what no letter is left to take is shared
/// by all. A string begins with n - 1 start marks.
struct NGramModel {
  private let order: Int
  private let symbols: Int
  /// For each length of context: the followers of each, [contexts, symbols].
  private var followers: [[Int32]]
  /// For each length of context: how often each occurred.
  private var occurrences: [[Int32]]
  /// The last symbols as a number in base symbols + 1, whose greatest digit is the start mark.
  private var context = 0

  /// A model that has seen nothing.
  ///
  /// - Parameters:
  ///   - order: n, at least 1.
  ///   - symbols: The number of letters; the separator has this id.
  init(order: Int, symbols: Int) {
    self.order = order
    self.symbols = symbols
    let contexts = (0..<order).map { Self.power(symbols + 1, $0) }
    followers = contexts.map { [Int32](repeating: 0, count: $0 * symbols) }
    occurrences = contexts.map { [Int32](repeating: 0, count: $0) }
    startString()
  }

  /// The distribution of the next letter after each of some positions, ascending.
  mutating func predictions(_ tokens: [Int32], at positions: [Int32]) -> [Prediction] {
    var seen = 0
    return positions.map { position in
      while seen <= Int(position) {
        see(Int(tokens[seen]))
        seen += 1
      }
      return Prediction(probabilities: probabilities() + [0])
    }
  }

  private mutating func see(_ token: Int) {
    guard token < symbols else { return startString() }
    for length in 0..<order {
      followers[length][index(ofContext: length) * symbols + token] += 1
    }
    context = (context * (symbols + 1) + token) % Self.power(symbols + 1, order - 1)
    enterContext()
  }

  private mutating func startString() {
    context = Self.power(symbols + 1, order - 1) - 1  // start marks only
    enterContext()
  }

  private mutating func enterContext() {
    for length in 0..<order { occurrences[length][index(ofContext: length)] += 1 }
  }

  private func index(ofContext length: Int) -> Int { context % Self.power(symbols + 1, length) }

  /// The distribution after the present context, uniform where no letter was seen yet.
  private func probabilities() -> [Double] {
    var result = [Double](repeating: 0, count: symbols)
    var unseen = (0..<symbols).map { $0 }
    var mass = 1.0
    for length in (0..<order).reversed() {
      let context = index(ofContext: length)
      let counts = followers[length][context * symbols..<(context + 1) * symbols]
      let total = unseen.reduce(0.0) { $0 + Double(counts[counts.startIndex + $1]) }
      guard total > 0 else { continue }
      // Letters that followed a longer context have their share already.
      let known = counts.reduce(0.0) { $0 + Double($1) }
      let free = Double(occurrences[length][context]) - known
      let isLast = length == 0
      let scale = mass / (isLast ? total : total + max(0, free))
      for letter in unseen { result[letter] = scale * Double(counts[counts.startIndex + letter]) }
      unseen.removeAll { result[$0] > 0 }
      mass *= isLast ? 0 : max(0, free) / (total + max(0, free))
    }
    let sum = result.reduce(0, +)
    return sum > 0
      ? result.map { $0 / sum } : result.map { _ in 1 / Double(symbols) }
  }

  private static func power(_ base: Int, _ exponent: Int) -> Int {
    (0..<exponent).reduce(1) { power, _ in power * base }
  }
}
