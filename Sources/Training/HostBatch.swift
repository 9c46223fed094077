package import TaskGenerators

/// A batch on the host: tokens padded at the end, and the supervised positions.
package struct HostBatch: Sendable {
  package var count: Int
  package var length: Int
  /// [count, length]; padding is 0 and comes after every scored position, so that it changes
  /// nothing in a causal model.
  package var tokens: [Int32]
  /// Scored positions as example * length + position; -1 fills up to a fixed number of rows.
  package var places: [Int32]
  package var targets: [Int32]
  /// Scored positions, without the filling.
  package var scored: Int
  /// Tokens that are not padding.
  package var realTokens: Int

  /// Puts examples together.
  ///
  /// - Parameters:
  ///   - examples: At least one.
  ///   - targetsPerExample: The most scored positions of an example. Rows are filled up to that
  ///     many per example (or the length, where it is less), so that a device sees one shape for
  ///     one length.
  package init(_ examples: some Collection<Example>, targetsPerExample: Int) {
    count = examples.count
    let length = examples.map(\.tokens.count).max() ?? 0
    self.length = length
    let rows = examples.count * min(targetsPerExample, length)
    tokens = [Int32](repeating: 0, count: examples.count * length)
    places = []
    targets = []
    places.reserveCapacity(rows)
    targets.reserveCapacity(rows)
    realTokens = 0
    for (row, example) in examples.enumerated() {
      let start = row * length
      tokens.replaceSubrange(start..<start + example.tokens.count, with: example.tokens)
      realTokens += example.tokens.count
      for target in example.targets {
        places.append(Int32(start) + target.position)
        targets.append(target.token)
      }
    }
    scored = places.count
    let filling = [Int32](repeating: -1, count: max(0, rows - scored))
    places += filling
    targets += filling
  }
}

extension [Example] {
  /// The examples by ascending length, those of one length in their order.
  func sortedByLength() -> [Example] {
    enumerated()
      .sorted { ($0.element.tokens.count, $0.offset) < ($1.element.tokens.count, $1.offset) }
      .map(\.element)
  }
}
