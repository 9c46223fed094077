import Platform

/// A folder with the results of a grid.
///
/// | path | content |
/// |---|---|
/// | `cells/<key>.json` | one record, written once |
/// | `timings/<key>.json` | how long the cell took and where |
/// | `grid.json` | the plan |
/// | `checkpoints/<key>.safetensors` | a cell that is being trained, up to some step |
/// | `claims/<key>` | which process trains the cell (see ``Claims``) |
/// | `records.jsonl` | records in compact form, one per line, for results that are committed |
/// | `models/<key>.safetensors` | the trained model, where `--checkpoints` asked for it |
/// | `damaged/` | files that were torn or changed, set aside |
///
/// A record is read from `cells/` or else from `records.jsonl`. Its first member is the SHA-256 of
/// the rest, and `schema` is the version of its form. Any number of processes may use one store:
/// every file is flushed to the disk and appears whole or not at all, under a name made of a key
/// alone. `checkpoints/` and `claims/` are gone when nothing is being trained.
public struct RunStore: Sendable {
  /// All that a store holds.
  public struct Contents: Sendable {
    /// The readable records by ascending key.
    public var records: [CellRecord] = []
    /// The readable timings by key.
    public var timings: [String: CellTiming] = [:]
    /// The files that could not be used.
    public var problems: [StoreError] = []
  }

  public let folder: String
  let compact: CompactIndex

  /// A store in a folder, which need not exist before something is written.
  public init(_ folder: String) {
    self.folder = folder
    compact = CompactIndex(folder + "/records.jsonl")
  }

  var cellsFolder: String { folder + "/cells" }
  var timingsFolder: String { folder + "/timings" }
  var claimsFolder: String { folder + "/claims" }
  var checkpointsFolder: String { folder + "/checkpoints" }
  var gridPath: String { folder + "/grid.json" }
  var compactPath: String { folder + "/records.jsonl" }

  func cellPath(_ key: String) -> String { "\(cellsFolder)/\(key).json" }
  func timingPath(_ key: String) -> String { "\(timingsFolder)/\(key).json" }

  /// The keys of all records, of whatever status and even if they are damaged.
  ///
  /// - Throws: `StoreError` where the store cannot be read.
  public func keys() throws(StoreError) -> Set<String> {
    var problems: [StoreError] = []
    return compact.keys.union(try keys(in: cellsFolder, problems: &problems))
  }

  /// Whether the store has a record of the key, of whatever status and even if it is damaged.
  public func contains(_ key: String) -> Bool {
    guard CellKey.isValid(key) else { return false }
    return Files.exists(cellPath(key)) || compact.line(of: key) != nil
  }

  /// Whether the key's record has a file of its own, even if it is damaged.
  package func hasFile(of key: String) -> Bool {
    CellKey.isValid(key) && Files.exists(cellPath(key))
  }

  /// Reads the record of a key.
  ///
  /// - Throws: `StoreError` where it is missing, damaged or of another version.
  public func read(_ key: String) throws(StoreError) -> CellRecord {
    try checkKey(key)
    if !Files.exists(cellPath(key)), let line = compact.line(of: key) {
      return try decode(line, from: compactPath)
    }
    return try readCell(key)
  }

  /// Reads the timing of a key, or nil where there is none that is readable.
  public func readTiming(_ key: String) -> CellTiming? {
    var reader = RecordReader()
    return readTiming(key, &reader)
  }

  /// Writes a record and its timing in place of any that are there.
  ///
  /// - Throws: `StoreError` where a file cannot be written.
  public func write(_ record: CellRecord, _ timing: CellTiming? = nil) throws(StoreError) {
    try checkKey(record.key)
    // The record comes last: a cell with a record is finished.
    if let timing {
      try replace(timingPath(record.key), in: timingsFolder, with: RecordCoding.pretty(timing))
    }
    try replace(cellPath(record.key), in: cellsFolder, with: RecordFile.bytes(record))
  }

  /// Writes the plan of the grid.
  ///
  /// - Throws: `StoreError` where the file cannot be written, or is there and another version's.
  public func writeGrid(_ grid: GridManifest) throws(StoreError) {
    do throws(StoreError) {
      _ = try readGrid()
    } catch {
      // A damaged plan is made again.
      if error.kind == .otherVersion { throw error }
    }
    try replace(gridPath, in: folder, with: RecordCoding.pretty(grid))
  }

  /// Reads the plan of the grid, or nil where the store has none.
  ///
  /// - Throws: `StoreError` where it cannot be read.
  public func readGrid() throws(StoreError) -> GridManifest? {
    guard Files.exists(gridPath) else { return nil }
    let bytes = try bytes(of: gridPath)
    do {
      let grid = try RecordCoding.decode(GridManifest.self, from: bytes)
      if grid.schema == CellRecord.currentSchema { return grid }
    } catch {
      guard RecordFile.versionProblem(bytes, of: "plan") != nil else {
        throw StoreError(gridPath, "not a grid's plan: \(error.text)", .damaged)
      }
    }
    let problem = RecordFile.versionProblem(bytes, of: "plan")
    throw StoreError(gridPath, problem?.text ?? "not a grid's plan", .otherVersion)
  }

  /// Reads everything.
  ///
  /// What cannot be read is reported and left where it is.
  ///
  /// - Throws: `StoreError` where the store itself cannot be read.
  public func readAll() throws(StoreError) -> Contents {
    guard Files.isFolder(folder) else { throw StoreError(folder, "there is no such store") }
    var contents = Contents()
    var byKey = try readCompact(problems: &contents.problems)
    let keys = try keys(in: cellsFolder, problems: &contents.problems)
    let read = ParallelReading.map(keys) { reader, key in
      Result { () throws(StoreError) in try readCell(key, &reader) }
    }
    for (key, result) in zip(keys, read) {
      switch result {
      case .success(let record): byKey[key] = record
      case .failure(let problem):
        byKey[key] = nil
        contents.problems.append(problem)
      }
    }
    contents.records = byKey.sorted { $0.key < $1.key }.map(\.value)
    if Files.isFolder(timingsFolder) {
      let found = contents.records.map(\.key)
      let timings = ParallelReading.map(found) { reader, key in readTiming(key, &reader) }
      for (key, timing) in zip(found, timings) { contents.timings[key] = timing }
    }
    return contents
  }
}

extension RunStore {
  private func readTiming(_ key: String, _ reader: inout RecordReader) -> CellTiming? {
    guard CellKey.isValid(key), let bytes = try? Files.read(timingPath(key)) else { return nil }
    let content = JSONText.compact(bytes)
    return content.withUnsafeBufferPointer { reader.timing($0) }
      ?? (try? RecordCoding.decode(CellTiming.self, from: content))
  }

  private func readCell(_ key: String) throws(StoreError) -> CellRecord {
    var reader = RecordReader()
    return try readCell(key, &reader)
  }

  private func readCell(
    _ key: String, _ reader: inout RecordReader
  ) throws(StoreError) -> CellRecord {
    let path = cellPath(key)
    let record = try Self.decode(try bytes(of: path), from: path, &reader)
    guard record.key == key else {
      throw StoreError(path, "it is the record of \(record.key)", .damaged)
    }
    return record
  }

  func decode(_ bytes: [UInt8], from place: String) throws(StoreError) -> CellRecord {
    var reader = RecordReader()
    return try Self.decode(bytes, from: place, &reader)
  }

  static func decode(
    _ bytes: [UInt8], from place: String, _ reader: inout RecordReader
  ) throws(StoreError) -> CellRecord {
    do {
      return try RecordFile.record(from: bytes, &reader)
    } catch {
      throw StoreError(place, error.text, error.isOtherVersion ? .otherVersion : .damaged)
    }
  }

  func checkKey(_ key: String) throws(StoreError) {
    guard CellKey.isValid(key) else {
      throw StoreError(
        folder, "'\(key)' is not a cell's key (\(CellKey.length) hexadecimal digits)")
    }
  }

  /// The keys of a folder's files, without the temporary files of writers.
  private func keys(
    in folder: String, problems: inout [StoreError]
  ) throws(StoreError) -> [String] {
    guard Files.isFolder(folder) else { return [] }
    let names: [String]
    do { names = try Files.list(folder) } catch { throw StoreError(error) }
    var keys: [String] = []
    for name in names where name.hasSuffix(".json") {
      let key = String(name.dropLast(5))
      if CellKey.isValid(key) {
        keys.append(key)
      } else {
        problems.append(StoreError("\(folder)/\(name)", "its name is not a cell's key"))
      }
    }
    return keys
  }

  func bytes(of path: String) throws(StoreError) -> [UInt8] {
    do { return try Files.read(path) } catch { throw StoreError(error) }
  }

  func replace(
    _ path: String, in folder: String, with bytes: [UInt8]
  ) throws(StoreError) {
    do throws(FileError) {
      try Files.makeFolder(folder)
      try AtomicFile.write(bytes, to: path)
    } catch {
      throw StoreError(error)
    }
  }
}

extension StoreError {
  init(_ error: FileError) {
    self.init(error.path, "cannot \(error.action.rawValue): \(error.reason)", .system)
  }
}
