import Randomness
import Testing

/// The published known answers of Philox-4x32-10: `kat_vectors` of the Random123 library.
@Suite struct PhiloxTests {
  struct KnownAnswer: Sendable, CustomTestStringConvertible {
    let counter: [UInt32]
    let key: [UInt32]
    let result: [UInt32]
    var testDescription: String { String(counter[0], radix: 16) }
  }

  static let published = [
    KnownAnswer(
      counter: [0, 0, 0, 0], key: [0, 0],
      result: [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
    KnownAnswer(
      counter: [.max, .max, .max, .max], key: [.max, .max],
      result: [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
    KnownAnswer(
      counter: [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
      key: [0xA409_3822, 0x299F_31D0],
      result: [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]),
  ]

  @Test(arguments: published)
  func blockHasThePublishedValue(_ known: KnownAnswer) {
    let block = Philox.block(
      low: joined(known.counter[0], known.counter[1]),
      high: joined(known.counter[2], known.counter[3]), key: joined(known.key[0], known.key[1]))
    #expect(block.low == joined(known.result[0], known.result[1]))
    #expect(block.high == joined(known.result[2], known.result[3]))
  }

  @Test func sourceDrawsTheBlocksOfItsSeedInOrder() {
    var random = RandomSource(seed: 0)
    let words = (0..<4).map { _ in random.nextWord() }
    #expect(words == Self.published[0].result)
    let second = Philox.block(low: 1, high: 0, key: 0)
    #expect(random.next() == second.low)
    #expect(random.next() == second.high)
  }

  private func joined(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) << 32 }
}
