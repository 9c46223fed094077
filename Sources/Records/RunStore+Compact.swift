import Platform

extension RunStore {
  /// Writes all records in compact form, and the plan, into a folder: the committed results.
  ///
  /// - Parameter target: The folder; it may be the store's own.
  /// - Throws: `StoreError` where a record is damaged or a file cannot be written.
  public func exportCompact(to target: String) throws(StoreError) {
    let contents = try readAll()
    if let problem = contents.problems.first { throw problem }
    var bytes: [UInt8] = []
    for record in contents.records {
      bytes += RecordFile.line(record)
      bytes.append(UInt8(ascii: "\n"))
    }
    let store = RunStore(target)
    if let grid = try readGrid() { try store.writeGrid(grid) }
    try replace(store.compactPath, in: target, with: bytes)
    compact.forget()
  }

  /// Reads `records.jsonl`, where there is one.
  func readCompact(problems: inout [StoreError]) throws(StoreError) -> [String: CellRecord] {
    guard Files.exists(compactPath) else { return [:] }
    let bytes = try bytes(of: compactPath)
    var records: [String: CellRecord] = [:]
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      do throws(StoreError) {
        let place = "\(compactPath):\(index + 1)"
        let record = try decode(Array(line), from: place)
        guard CellKey.isValid(record.key) else {
          throw StoreError(place, "'\(record.key)' is not a cell's key")
        }
        records[record.key] = record
      } catch {
        problems.append(error)
      }
    }
    return records
  }
}
