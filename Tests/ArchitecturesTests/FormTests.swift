import Architectures
import Configuration
import Testing

/// What makes a mixer usable for prediction: it sees the past only, its parallel form is its
/// recurrence, and it carries what it says.
@Suite struct FormTests {
  @Test(arguments: Variant.all) func theFutureAndOtherRowsAreNotSeen(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let tokens = randomTokens(rows: 2, length: 24)
    let before = live.logits(tokens)
    for position in [0, 7, 22] {
      var changed = tokens
      changed[0][position] = (tokens[0][position] + 1) % Int32(Variant.vocabulary)
      let after = live.logits(changed)
      #expect(after[0][..<position] == before[0][..<position])
      #expect(after[1] == before[1])
      #expect(after[0][position] != before[0][position])
      #expect(after[0][position + 1] != before[0][position + 1], "nothing reaches the next token")
    }
  }

  /// The same across the chunks of the scans.
  @Test(arguments: Variant.defaults) func theFutureOfALongRowIsNotSeen(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let tokens = randomTokens(rows: 1, length: 70)
    let before = live.logits(tokens)
    for position in [15, 31, 32, 63, 64] {
      var changed = tokens
      changed[0][position] = (tokens[0][position] + 1) % Int32(Variant.vocabulary)
      let after = live.logits(changed)
      #expect(after[0][..<position] == before[0][..<position])
      #expect(after[0][position + 1] != before[0][position + 1], "nothing reaches the next token")
    }
  }

  @Test(arguments: Variant.all) func theRecurrenceIsTheParallelForm(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    for length in [1, 7, 24] {
      try compare(live, length: length)
    }
  }

  /// Longer than a chunk of the scans.
  @Test(arguments: Variant.defaults) func longSequencesAreRecurrentToo(_ variant: Variant) throws {
    try compare(try LiveModel(variant), length: 65)
  }

  private func compare(_ live: LiveModel, length: Int) throws {
    let tokens = randomTokens(rows: 2, length: length)
    let whole = live.logits(tokens)
    let single = live.logits(tokens, segments: [Int](repeating: 1, count: length))
    #expect(distance(single, whole) < 2e-5, "token by token, length \(length)")
    let parts = live.logits(tokens, segments: [1, 5])
    #expect(distance(parts, whole) < 2e-5, "in segments, length \(length)")
  }

  /// The greatest difference over the greatest logit; infinite where one is not finite.
  private func distance(_ first: [[[Float]]], _ second: [[[Float]]]) -> Float {
    let pairs = zip(first.flatMap(\.self).flatMap(\.self), second.flatMap(\.self).flatMap(\.self))
    var (difference, size): (Float, Float) = (0, 0)
    for (a, b) in pairs {
      guard a.isFinite, b.isFinite else { return .infinity }
      difference = max(difference, abs(a - b))
      size = max(size, abs(b))
    }
    return difference / size
  }

  @Test(arguments: Variant.all) func theStateHasTheStatedSize(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let rows = 3
    let tokens = randomTokens(rows: rows, length: 24)
    _ = live.logits(tokens, segments: [1, 4]) { length, state in
      #expect(state.count == rows * live.model.stateSize(length: length), "after \(length)")
    }
    _ = live.logits(tokens, segments: [Int](repeating: 1, count: 24)) { length, state in
      #expect(state.count == rows * live.model.stateSize(length: length), "after \(length)")
    }
  }

  @Test(arguments: Variant.all) func everyLayerMatters(_ variant: Variant) throws {
    let live = try LiveModel(variant)
    let tokens = randomTokens(rows: 1, length: 7)
    let before = live.logits(tokens)
    let initial = live.parameters
    for layer in 0..<live.model.configuration.layers {
      let range = try #require(
        live.places.first { $0.name.hasPrefix("layer\(layer).mixer.") }?.range)
      var changed = initial
      for index in range { changed[index] += 0.1 }
      live.parameters = changed
      #expect(live.logits(tokens) != before, "layer \(layer)")
    }
  }
}
