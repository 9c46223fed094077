/// A record as the bytes of a file, with a checksum in front that shows a torn or edited file.
///
/// The checksum is the SHA-256 of the record's compact JSON, so both layouts of a record, a file
/// for people and a line of `records.jsonl`, carry the same.
enum RecordFile {
  private static let opening = Array(#"{"checksum":""#.utf8)
  private static let closing = Array(#"","#.utf8)
  private static let digits = 64

  /// The record as compact JSON.
  static func line(_ record: CellRecord) -> [UInt8] {
    let content = RecordCoding.compact(record)
    return opening + Array(contentHash(content).utf8) + closing + content.dropFirst()
  }

  /// The record as a file for people.
  static func bytes(_ record: CellRecord) -> [UInt8] { JSONText.pretty(line(record)) }

  /// Reads a record in either layout.
  ///
  /// - Throws: `CodingProblem` for anything but a whole, unchanged record of the current schema.
  static func record(from bytes: [UInt8]) throws(CodingProblem) -> CellRecord {
    var reader = RecordReader()
    return try record(from: bytes, &reader)
  }

  /// Reads a record with a reader that knows what earlier ones had in common.
  static func record(
    from bytes: [UInt8], _ reader: inout RecordReader
  ) throws(CodingProblem) -> CellRecord {
    let compact = JSONText.compact(bytes)
    guard let content = content(of: compact) else {
      // Other versions may seal their records in other ways, but ours is known when it is broken.
      if !compact.starts(with: opening), let problem = versionProblem(bytes, of: "record") {
        throw problem
      }
      throw CodingProblem(text: "damaged: its checksum is not that of its content")
    }
    if let record = content.withUnsafeBufferPointer({ reader.record($0) }),
      record.schema == CellRecord.currentSchema, record.fault == nil
    {
      return record
    }
    let record: CellRecord
    do {
      record = try RecordCoding.decode(CellRecord.self, from: content)
    } catch {
      throw versionProblem(content, of: "record")
        ?? CodingProblem(text: "not a record: \(error.text)")
    }
    if record.schema != CellRecord.currentSchema,
      let problem = versionProblem(content, of: "record")
    {
      throw problem
    }
    if let fault = record.fault { throw CodingProblem(text: "not a record: \(fault)") }
    return record
  }

  /// The record's own JSON, or nil where the checksum is missing or another one's.
  private static func content(of sealed: [UInt8]) -> [UInt8]? {
    let start = opening.count + digits + closing.count
    guard sealed.count > start, sealed.starts(with: opening),
      sealed[..<start].suffix(closing.count).elementsEqual(closing)
    else { return nil }
    let content = [UInt8(ascii: "{")] + sealed[start...]
    return sealed[opening.count...].starts(with: contentHash(content).utf8) ? content : nil
  }

  /// What is wrong with the version that a file states; nil where it is this program's.
  static func versionProblem(_ bytes: [UInt8], of thing: String) -> CodingProblem? {
    struct Header: Decodable { let schema: Int }
    guard let header = try? RecordCoding.decode(Header.self, from: bytes),
      header.schema != CellRecord.currentSchema
    else { return nil }
    let advice =
      header.schema > CellRecord.currentSchema
      ? "a newer version of the program wrote it: use that version, or another store"
      : "an older version of the program wrote it: use another store"
    return CodingProblem(
      text: "not a \(thing) of this version (schema \(header.schema), this program reads "
        + "\(CellRecord.currentSchema)); \(advice)",
      isOtherVersion: true)
  }
}
