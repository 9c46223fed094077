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
    let lines = try bytes(of: compactPath).split(separator: UInt8(ascii: "\n"))
    let path = compactPath
    let read = ParallelReading.map(Array(lines.enumerated())) { reader, line in
      Result { () throws(StoreError) in
        try Self.record(Array(line.element), from: "\(path):\(line.offset + 1)", &reader)
      }
    }
    var records: [String: CellRecord] = [:]
    for result in read {
      switch result {
      case .success(let record): records[record.key] = record
      case .failure(let problem): problems.append(problem)
      }
    }
    return records
  }

  /// The record of a line.
  private static func record(
    _ line: [UInt8], from place: String, _ reader: inout RecordReader
  ) throws(StoreError) -> CellRecord {
    let record = try decode(line, from: place, &reader)
    guard CellKey.isValid(record.key) else {
      throw StoreError(place, "'\(record.key)' is not a cell's key")
    }
    return record
  }
}
