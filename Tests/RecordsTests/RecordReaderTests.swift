import Configuration
import Platform
import Testing

@testable import Records

/// The fast reader reads what the program writes, and reads it as the general decoder does.
@Suite struct RecordReaderTests {
  /// A record in which everything that is optional is there.
  private func fullRecord() throws -> CellRecord {
    var record = try Samples.record()
    let scores = Scores(
      tokenAccuracy: 0.1, exampleAccuracy: 1e-7, sequenceAccuracy: 0.30000000000000004, loss: .nan,
      tokens: 12, examples: 3, answerAccuracy: 2.0 / 3, answers: 3, grammarAccuracy: 1,
      totalVariation: 0.125)
    let slice = SliceResult(name: "tiefe \"ü\" \\ \n", from: -3, to: 4, scores: scores)
    let cell = GridResult.Cell(row: -1...4, column: 0...0, scores: scores)
    record.reason = "a\u{0} \"reason\" 名前"
    record.task.baselines = [.init(name: "majority", value: 0.25, scores: scores)]
    record.task.further = [.init(metric: "loss", chance: nil)]
    record.task.breakdowns = [.grid(rows: "a", columns: "b")]
    record.model?.flopsPerToken = 1.5e9
    record.training = TrainingFacts(
      steps: 10, selectedStep: 5, examples: 640, tokens: 123_456_789_012, stoppedEarly: true,
      curve: [
        CurvePoint(step: 5, loss: 4.491131229400635, learningRate: 1e-05, validation: scores),
        CurvePoint(step: 10, loss: -0.0, learningRate: 2.2250738585072014e-308, validation: scores),
      ])
    record.validation = scores
    record.testOverall = scores
    record.test = [
      SegmentResult(
        settings: ["length": .range(3...40), "share": .number(0.5), "name": .text("x")],
        examples: 3, chance: 1.0 / 3, scores: scores, slices: [slice],
        grids: [GridResult(rows: "a", columns: "b", cells: [cell])],
        baselines: [BaselineResult(name: "majority", scores: scores, slices: [slice])])
    ]
    return record
  }

  private func read(_ content: [UInt8]) -> CellRecord? {
    var reader = RecordReader()
    return content.withUnsafeBufferPointer { reader.record($0) }
  }

  /// Fails where a record gets a member that the reader does not know: it would be slow then.
  @Test func everythingThatTheProgramWritesIsRead() throws {
    var bare = try Samples.record()
    bare.model = nil
    bare.test = []
    bare.testOverall = nil
    bare.validation = nil
    for record in [try fullRecord(), try Samples.record(), bare] {
      let content = RecordCoding.compact(record)
      let found = try #require(read(content), "the reader knows too little")
      #expect(RecordCoding.compact(found) == content)
      let general = try RecordCoding.decode(CellRecord.self, from: content)
      #expect(RecordCoding.compact(general) == content)
    }
    let record = try fullRecord()
    #expect(try RecordFile.record(from: RecordFile.bytes(record)).key == record.key)
  }

  @Test func timings() throws {
    for resumptions in [nil, 2] {
      let timing = CellTiming(
        key: "0123456789abcdef", wallSeconds: 12.345678901234567, trainSeconds: 1e-9,
        evaluateSeconds: 0, tokensPerSecond: 1.25e6, stepsPerSecond: 3, host: "a \"b\"", cpu: "c",
        cpuLevel: "d", device: "cuda:0", jobs: 4, startedAt: "2024-05-06T07:08:09Z", program: "1",
        resumptions: resumptions)
      let content = RecordCoding.compact(timing)
      var reader = RecordReader()
      #expect(content.withUnsafeBufferPointer { reader.timing($0) } == timing)
    }
  }

  /// The parts that records share are those of the record at hand.
  @Test func sharedPartsAreNotMixedUp() throws {
    var reader = RecordReader()
    for width in [16, 32, 16, 64] {
      var record = try fullRecord()
      record.configuration.model.width = width
      record.labels.model = "d=\(width)"
      record.tuned = ["\(width)"]
      let content = RecordCoding.compact(record)
      let found = content.withUnsafeBufferPointer { reader.record($0) }
      #expect(found.map { RecordCoding.compact($0) } == content)
    }
  }

  /// What is not of the usual form is nothing to this reader, wherever it is cut or changed; what
  /// it does read is what the general decoder reads.
  @Test func neverAnotherRecord() throws {
    let content = RecordCoding.compact(try fullRecord())
    for end in stride(from: 0, to: content.count, by: 7) {
      #expect(read(Array(content[..<end])) == nil)
    }
    let replacements = Array("0-.\"}]{[,:e\\ n".utf8)
    for place in stride(from: 0, to: content.count, by: 5) {
      var changed = content
      changed[place] = replacements[place % replacements.count]
      guard let found = read(changed) else { continue }
      let general = try? RecordCoding.decode(CellRecord.self, from: changed)
      #expect(general.map { RecordCoding.compact($0) } == RecordCoding.compact(found), "\(place)")
    }
  }

  @Test func numbersAreExact() throws {
    for text in [
      "0", "-0.0", "0.1", "123456789012345", "0.000000000000001", "1e308", "5e-324", "1e-08",
      "0.30000000000000004", "9007199254740993", "-2.5E+3", "17976931348623157e292",
    ] {
      let bytes = Array(text.utf8)
      let number = try bytes.withUnsafeBufferPointer { bytes in
        var cursor = RecordCursor(bytes)
        return try cursor.number()
      }
      #expect(number.bitPattern == Double(text)?.bitPattern, "\(text)")
    }
    for text in [
      "", "-", ".", "1e999", "x", "\"nan\"", "1.2.3", "--1", "01", "1.", "1.e5", "0x1p3", "1e",
      "+1", ".5", "inf",
    ] {
      let bytes = Array(text.utf8)
      #expect(throws: UnfamiliarJSON.self, "\(text)") {
        try bytes.withUnsafeBufferPointer { bytes in
          var cursor = RecordCursor(bytes)
          return try cursor.number()
        }
      }
    }
  }
}

/// Many records at once, on several threads.
@Suite final class ParallelReadingTests {
  private let folder: String

  init() {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    folder = "\(parent)/reading-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
  }

  deinit {
    try? Files.remove(folder + "/records.jsonl")
    try? Files.remove(folder)
  }

  @Test func recordsAndProblemsKeepTheirOrder() throws {
    let records = try (0..<150).map { try Samples.record(seed: $0) }
    var lines = records.map { RecordFile.line($0) }
    for damaged in [149, 3, 77] { lines[damaged][200] ^= 1 }
    try Files.makeFolder(folder)
    try AtomicFile.write(
      Array(lines.joined(separator: [UInt8(ascii: "\n")])), to: folder + "/records.jsonl")
    let contents = try RunStore(folder).readAll()
    let whole = records.enumerated().filter { ![3, 77, 149].contains($0.offset) }.map(\.element)
    #expect(contents.records == whole.sorted { $0.key < $1.key })
    #expect(contents.problems.map(\.path) == [4, 78, 150].map { "\(folder)/records.jsonl:\($0)" })
  }

  @Test func everyItemOnceInItsOrder() {
    for count in [0, 1, 31, 64, 1000] {
      #expect(
        ParallelReading.map(Array(0..<count)) { _, item in 2 * item } == (0..<count).map { 2 * $0 })
    }
  }
}
