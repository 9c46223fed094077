import Configuration
import Platform
import Records
import Testing

@testable import Reports

/// Records that the program never wrote, with right checksums: a report is made or they are
/// refused, and nothing crashes.
@Suite struct ForgedRecordTests {
  @Test func senselessNumbersMakeNoReportCrash() throws {
    let folder =
      "\(Environment.value("TMPDIR") ?? "/tmp")/forged-\(Machine.processIdentifier)-"
      + "\(Int.random(in: 0 ..< .max))"
    defer { remove(folder) }
    let store = RunStore(folder)
    let records = try ["delta-net", "gru"].flatMap { model in
      try (0..<2).map { seed in
        try Samples.record(
          model: model, seed: seed, test: [(64, 0.5), (256, 0.25)], curve: [0.1, 0.6])
      }
    }
    for record in records { try store.write(record) }
    let whole = JSONText.compact(try Files.read("\(folder)/cells/\(records[0].key).json"))
    var random = Numbers(state: 99)
    var accepted = 0
    for _ in 0..<40 {
      try AtomicFile.write(
        random.forged(whole), to: "\(folder)/cells/\(records[0].key).json")
      let contents = try RunStore(folder).readAll()
      accepted += contents.problems.isEmpty ? 1 : 0
      let report = Report.make(records: contents.records, timings: [:], grid: nil)
      try report.write(to: folder + "/report")
      #expect(!report.terminalTable(width: 80, colour: false).isEmpty)
    }
    #expect(accepted > 5)
  }

  private func remove(_ path: String) {
    for name in (try? Files.list(path)) ?? [] { remove(path + "/" + name) }
    try? Files.remove(path)
  }

  private struct Numbers {
    var state: UInt64

    /// The record with one number replaced, sealed again.
    mutating func forged(_ sealed: [UInt8]) -> [UInt8] {
      var content = [UInt8(ascii: "{")] + sealed[79...]
      func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) || byte == 46 }
      let start = below(content.count - 20)
      let first = content[start...].firstIndex(where: isDigit) ?? start
      let end = content[first...].firstIndex { !isDigit($0) } ?? content.endIndex
      content.replaceSubrange(first..<end, with: Self.numbers[below(Self.numbers.count)].utf8)
      return Array(#"{"checksum":""#.utf8) + Array(contentHash(content).utf8)
        + Array(#"","#.utf8) + content.dropFirst()
    }

    private mutating func below(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }

    private static let numbers = [
      "0", "1e308", "-1", "1e-320", "9007199254740992", "-9007199254740992",
      "9223372036854775807", "0.5", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "3",
    ]
  }
}
