import Configuration
import Platform
import Testing

@testable import Records

/// Whatever a file holds, it is read rightly or refused in one line.
@Suite struct DamageTests {
  @Test func aRecordCutAnywhereIsDamaged() throws {
    let record = try Samples.record()
    for bytes in [RecordFile.bytes(record), RecordFile.line(record)] {
      #expect(try RecordFile.record(from: bytes).key == record.key)
      for count in 0..<bytes.count - 1 {
        expectRefusal(Array(bytes.prefix(count)), "cut after \(count) bytes")
      }
      // A file system may keep the length and lose the content.
      for count in stride(from: 0, to: bytes.count - 1, by: 17) {
        let lost = [UInt8](repeating: 0, count: bytes.count - count)
        expectRefusal(bytes.prefix(count) + lost, "zeros after \(count) bytes")
      }
    }
  }

  /// Any single changed byte is seen, apart from one kind of space for another.
  @Test func aChangedByteIsSeen() throws {
    let bytes = RecordFile.line(try Samples.record())
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 1
      expectRefusal(changed, "byte \(place)")
    }
  }

  @Test func mutatedRecordsAreRefused() throws {
    let whole = RecordFile.bytes(try Samples.record(loss: .nan))
    var random = Mutations(seed: 1)
    var accepted = 0
    for _ in 0..<8_000 {
      let bytes = random.changed(whole)
      guard let record = try? RecordFile.record(from: bytes) else { continue }
      // Only spaces between values may differ.
      accepted += 1
      #expect(RecordFile.bytes(record) == whole)
    }
    #expect(accepted < 1000)
  }

  /// The same with the checksum put right, as by somebody who edits records: whatever is accepted
  /// has counts that are counts, and can be written again.
  @Test func forgedRecordsAreCheckedToo() throws {
    let line = RecordFile.line(try Samples.record())
    let content = [UInt8(ascii: "{")] + line[79...]
    #expect(RecordFile.line(try RecordFile.record(from: line)) == sealed(content))
    var random = Mutations(seed: 2)
    var (accepted, refused) = (0, 0)
    for _ in 0..<2000 {
      do throws(CodingProblem) {
        let record = try RecordFile.record(from: sealed(random.changed(content)))
        #expect(record.fault == nil)
        accepted += 1
      } catch {
        #expect(error.text.utf8.count < 2000 && !error.text.contains("\n"))
        refused += 1
      }
    }
    #expect(accepted > 50 && refused > 50)
  }

  @Test func impossibleCountsAreRefused() throws {
    var record = try Samples.record()
    record.training.steps = -1
    #expect(record.fault == "-1 cannot be a count")
    expectRefusal(RecordFile.bytes(record), "negative steps")
    record = try Samples.record()
    record.test[0].scores.tokens = .max
    expectRefusal(RecordFile.bytes(record), "too many tokens")
    record = try Samples.record()
    record.test[0].slices[0].to = 3
    expectRefusal(RecordFile.bytes(record), "a band that ends before it starts")
    #expect(try Samples.record().fault == nil)
  }

  private func expectRefusal(_ bytes: [UInt8], _ what: String) {
    #expect(throws: CodingProblem.self, "\(what)") { try RecordFile.record(from: bytes) }
  }

  private func sealed(_ content: [UInt8]) -> [UInt8] {
    let compact = JSONText.compact(content)
    return Array(#"{"checksum":""#.utf8) + Array(contentHash(compact).utf8) + Array(#"","#.utf8)
      + compact.dropFirst()
  }
}

/// Random changes of bytes, the same everywhere.
struct Mutations {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// One to three changes: bytes, numbers, cuts and repetitions.
  mutating func changed(_ whole: [UInt8]) -> [UInt8] {
    var bytes = whole
    for _ in 0...below(3) where bytes.count > 8 {
      let place = below(bytes.count - 4)
      switch below(8) {
      case 0: bytes[place] = UInt8(below(256))
      case 1: bytes[place] = Self.alphabet[below(Self.alphabet.count)]
      case 2: bytes.insert(Self.alphabet[below(Self.alphabet.count)], at: place)
      case 3: bytes.remove(at: place)
      case 4: bytes.insert(contentsOf: bytes[place..<place + 4], at: place)
      case 5: changeNumber(&bytes, from: place)
      case 6: bytes[place] ^= 1 << UInt8(below(8))
      default: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(20)))
      }
    }
    return bytes
  }

  /// Puts an extreme in place of the next number.
  private mutating func changeNumber(_ bytes: inout [UInt8], from start: Int) {
    func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    guard let first = bytes[start...].firstIndex(where: isDigit) else { return }
    let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.endIndex
    bytes.replaceSubrange(first..<end, with: Self.numbers[below(Self.numbers.count)].utf8)
  }

  private mutating func below(_ count: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ mixed >> 31) % UInt64(count))
  }

  private static let alphabet = Array("0123456789.-+eE:,{}[]\"\\ \n\tntfu".utf8)
  private static let numbers = [
    "0", "-1", "9223372036854775807", "-9223372036854775808", "1e400", "18446744073709551616",
    "0.5", "\"NaN\"", "null", "[[[[[[]]]]]]", "{}", "\"../../x\"",
  ]
}
