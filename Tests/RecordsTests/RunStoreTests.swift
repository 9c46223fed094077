import Configuration
import Platform
import Testing

@testable import Records

/// Stores in a folder that each test has for itself.
@Suite final class RunStoreTests {
  private let folder: String
  private let store: RunStore

  init() {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    folder = "\(parent)/records-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
    store = RunStore(folder + "/store")
  }

  deinit { removeTree(folder) }

  private func removeTree(_ path: String) {
    for name in (try? Files.list(path)) ?? [] { removeTree(path + "/" + name) }
    try? Files.remove(path)
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Files.read(path), as: UTF8.self)
  }

  @Test func aRecordComesBackAndIsEqualBytes() throws {
    let record = try Samples.record(loss: .nan)
    try store.write(record, Samples.timing(record.key))
    #expect(store.contains(record.key))
    let found = try store.read(record.key)
    #expect(RecordCoding.compact(found) == RecordCoding.compact(record))
    #expect(found.training.curve[0].loss.isNaN)
    #expect(found.configuration.training.learningRate == 0.1)
    #expect(store.readTiming(record.key) == Samples.timing(record.key))
    let first = try Files.read(store.cellPath(record.key))
    try store.write(found, nil)
    #expect(try Files.read(store.cellPath(record.key)) == first)
    #expect(first.last == UInt8(ascii: "\n"))
  }

  /// A record that was written and is then refused would be made again by every run.
  @Test func aFinishedModelMayBeNoDistributionOnTheTest() throws {
    var record = try Samples.record()
    record.testOverall?.totalVariation = .nan
    record.test[0].scores.totalVariation = .nan
    try store.write(record)
    let found = try store.read(record.key)
    #expect(found.testOverall?.totalVariation?.isNaN == true)
    record.testOverall?.totalVariation = 1.5
    try store.write(record)
    #expect(throws: StoreError.self) { try store.read(record.key) }
  }

  @Test func doublesAreExact() throws {
    let extremes = [-0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
    for value in [0.1, 1.0 / 3, 1e23, 123456789.123456789] + extremes {
      let record = try Samples.record(loss: value)
      let found = try RecordFile.record(from: RecordFile.bytes(record))
      #expect(found.training.curve[0].loss.bitPattern == value.bitPattern)
    }
    let infinite = try Samples.record(loss: -.infinity)
    let found = try RecordFile.record(from: RecordFile.line(infinite))
    #expect(found.training.curve[0].loss == -.infinity)
  }

  @Test func everythingIsReadInTheOrderOfKeys() throws {
    for seed in 0..<5 { try store.write(try Samples.record(seed: seed)) }
    let contents = try store.readAll()
    #expect(contents.records.count == 5)
    #expect(contents.records.map(\.key) == contents.records.map(\.key).sorted())
    #expect(contents.timings.isEmpty)
    #expect(contents.problems.isEmpty)
    #expect(try store.keys() == Set(contents.records.map(\.key)))
  }

  @Test func damageIsReportedAndSetAsideOnlyOnRequest() throws {
    let record = try Samples.record()
    try store.write(record)
    try store.write(try Samples.record(seed: 1))
    let path = store.cellPath(record.key)
    let whole = try text(path)
    let edited = whole.replacing("0.8", with: "0.9")
    for bytes in [Array(edited.utf8), Array(whole.utf8.prefix(300)), [], Array("{}".utf8)] {
      try AtomicFile.write(bytes, to: path)
      let contents = try store.readAll()
      #expect(contents.records.count == 1)
      #expect(contents.problems.map(\.path) == [path])
      #expect(contents.problems[0].problem.contains("damaged"))
      #expect(throws: StoreError.self) { try self.store.read(record.key) }
      #expect(store.contains(record.key))
    }
    try store.setAside(record.key)
    #expect(!store.contains(record.key))
    #expect(try store.readAll().problems.isEmpty)
    try AtomicFile.write([], to: path)
    try store.setAside(record.key)
    #expect(try Files.list(store.folder + "/damaged").count == 2)
  }

  @Test func spacingIsNoDamage() throws {
    let record = try Samples.record()
    let spaced = String(decoding: RecordFile.bytes(record), as: UTF8.self)
      .replacing("\n", with: "\r\n\t")
    #expect(try RecordFile.record(from: Array(spaced.utf8)).key == record.key)
  }

  @Test func recordsOfOtherVersionsAreNamed() throws {
    var record = try Samples.record()
    record.schema = 3
    try store.write(record)
    let path = store.cellPath(record.key)
    let expected =
      "\(path): not a record of this version (schema 3, this program reads 1); a newer version of "
      + "the program wrote it: use that version, or another store"
    #expect(try store.readAll().problems.map(\.description) == [expected])
    #expect(throws: StoreError.self) { try self.store.state(of: record.key) }
    try AtomicFile.write(Array(#"{"schema": 3, "other": []}"#.utf8), to: path)
    #expect(try store.readAll().problems.map(\.description) == [expected])
  }

  @Test func plansOfOtherVersionsAreLeftAlone() throws {
    let grid = GridManifest(name: "g", description: "", tuned: [], cells: [])
    for text in [
      #"{"schema": 2, "name": "g"}"#,
      #"{"cells":[],"description":"","name":"g","schema":0,"tuned":[]}"#,
    ] {
      try Files.makeFolder(store.folder)
      try AtomicFile.write(Array(text.utf8), to: store.gridPath)
      for action in [{ _ = try self.store.readGrid() }, { try self.store.writeGrid(grid) }] {
        #expect(throws: StoreError.self) { try action() }
      }
      #expect { try self.store.readGrid() } throws: {
        ($0 as? StoreError)?.kind == .otherVersion && "\($0)".contains("use another store")
          || "\($0)".contains("or another store")
      }
      #expect(try self.text(store.gridPath) == text)
    }
    try AtomicFile.write([1], to: store.gridPath)
    #expect { try self.store.readGrid() } throws: { ($0 as? StoreError)?.kind == .damaged }
    try store.writeGrid(grid)
    #expect(try store.readGrid() == grid)
  }

  @Test func strangeFilesAreReported() throws {
    let record = try Samples.record()
    try store.write(record)
    let other = try Samples.record(seed: 1)
    try Files.rename(store.cellPath(record.key), to: store.cellPath(other.key))
    try AtomicFile.write([], to: store.cellsFolder + "/notes.json")
    try AtomicFile.write([], to: store.cellsFolder + "/\(record.key).json.host-1-1.part")
    let contents = try store.readAll()
    #expect(contents.records.isEmpty)
    #expect(contents.problems.count == 2)
  }

  @Test func keysNeverBecomePaths() throws {
    var record = try Samples.record()
    record.key = "../../escaped"
    #expect(throws: StoreError.self) { try self.store.write(record) }
    #expect(throws: StoreError.self) { try self.store.read("../x") }
    #expect(throws: StoreError.self) { try self.store.setAside("..") }
    #expect(!store.contains("../x"))
    #expect(!Files.exists(folder + "/escaped.json"))
  }

  @Test func compactResultsReadLikeTheStoreAndCellsWin() throws {
    for seed in 0..<4 { try store.write(try Samples.record(seed: seed)) }
    let grid = GridManifest(
      name: "quick", description: "a test", tuned: ["training.learningRate"],
      cells: try store.readAll().records.map { .init(key: $0.key, labels: $0.labels) })
    try store.writeGrid(grid)
    let published = RunStore(folder + "/published")
    try store.exportCompact(to: published.folder)
    #expect(try published.readAll().records == store.readAll().records)
    #expect(try published.readGrid() == grid)
    #expect(try text(published.compactPath).split(separator: "\n").count == 4)
    let key = grid.cells[0].key
    #expect(published.contains(key))
    #expect(try published.keys().count == 4)
    var changed = try published.read(key)
    changed.reason = "changed"
    try published.write(changed)
    #expect(try published.read(key).reason == "changed")
    #expect(try published.readAll().records.count == 4)
    #expect(try published.readAll().records.first { $0.key == key }?.reason == "changed")
    try published.exportCompact(to: published.folder)
    try Files.remove(published.cellPath(key))
    #expect(try published.read(key).reason == "changed")
    #expect(try published.readAll().records.first { $0.key == key }?.reason == "changed")
  }

  @Test func aDamagedLineCostsOneRecord() throws {
    for seed in 0..<3 { try store.write(try Samples.record(seed: seed)) }
    try store.exportCompact(to: folder)
    let path = RunStore(folder).compactPath
    var lines = try text(path).split(separator: "\n").map(String.init)
    lines[1] = String(lines[1].dropLast(5))
    try AtomicFile.write(Array(lines.joined(separator: "\n").utf8), to: path)
    let contents = try RunStore(folder).readAll()
    #expect(contents.records.count == 2)
    #expect(contents.problems.map(\.path) == [path + ":2"])
  }

  @Test func aMissingStoreIsAnError() {
    #expect(throws: StoreError(folder + "/none", "there is no such store")) {
      try RunStore(self.folder + "/none").readAll()
    }
  }
}
