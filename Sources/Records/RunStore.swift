import Platform

/// A folder with the results of a grid.
///
/// | path | content |
/// |---|---|
/// | `cells/<key>.json` | one record, written once |
/// | `timings/<key>.json` | how long the cell took and where |
/// | `grid.json` | the plan |
/// | `records.jsonl` | records in compact form, one per line, for results that are committed |
/// | `damaged/` | records that were set aside |
///
/// A record is read from `cells/` or else from `records.jsonl`. Any number of processes may use
/// one store: every file appears whole or not at all.
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
    guard CellKey.isValid(key), let bytes = try? Files.read(timingPath(key)) else { return nil }
    return try? RecordCoding.decode(CellTiming.self, from: bytes)
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
  /// - Throws: `StoreError` where the file cannot be written.
  public func writeGrid(_ grid: GridManifest) throws(StoreError) {
    try replace(gridPath, in: folder, with: RecordCoding.pretty(grid))
  }

  /// Reads the plan of the grid, or nil where the store has none.
  ///
  /// - Throws: `StoreError` where it cannot be read.
  public func readGrid() throws(StoreError) -> GridManifest? {
    guard Files.exists(gridPath) else { return nil }
    let bytes = try bytes(of: gridPath)
    do {
      return try RecordCoding.decode(GridManifest.self, from: bytes)
    } catch {
      throw StoreError(gridPath, "not a grid's plan: \(error.text)")
    }
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
    for key in try keys(in: cellsFolder, problems: &contents.problems) {
      do throws(StoreError) {
        byKey[key] = try readCell(key)
      } catch {
        byKey[key] = nil
        contents.problems.append(error)
      }
    }
    contents.records = byKey.sorted { $0.key < $1.key }.map(\.value)
    for record in contents.records { contents.timings[record.key] = readTiming(record.key) }
    return contents
  }

  /// Moves a record that cannot be read out of the way, so that its cell counts as missing.
  ///
  /// - Parameter key: The record's key.
  /// - Returns: Where the file is now.
  /// - Throws: `StoreError` where it cannot be moved.
  @discardableResult
  public func setAside(_ key: String) throws(StoreError) -> String {
    try checkKey(key)
    let damaged = folder + "/damaged"
    var target = "\(damaged)/\(key).json"
    var copies = 1
    while Files.exists(target) {
      copies += 1
      target = "\(damaged)/\(key)-\(copies).json"
    }
    do throws(FileError) {
      try Files.makeFolder(damaged)
      try Files.rename(cellPath(key), to: target)
    } catch {
      throw StoreError(error)
    }
    return target
  }
}

extension RunStore {
  private func readCell(_ key: String) throws(StoreError) -> CellRecord {
    let path = cellPath(key)
    let record = try decode(try bytes(of: path), from: path)
    guard record.key == key else { throw StoreError(path, "it is the record of \(record.key)") }
    return record
  }

  func decode(_ bytes: [UInt8], from place: String) throws(StoreError) -> CellRecord {
    do {
      return try RecordFile.record(from: bytes)
    } catch {
      throw StoreError(place, error.text)
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
    self.init(error.path, "cannot \(error.action.rawValue): \(error.reason)")
  }
}
