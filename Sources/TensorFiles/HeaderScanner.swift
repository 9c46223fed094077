import Platform

/// Reads the part of JSON that headers are made of: objects, texts, and lists of whole numbers.
///
/// It is strict where a decoder of any JSON is not: a member that stands twice, a number with a
/// sign or a fraction, and an unknown member are refused.
struct HeaderScanner {
  private var cursor: JSONCursor
  private let startsWithObject: Bool

  init(_ bytes: [UInt8]) {
    cursor = JSONCursor(bytes)
    startsWithObject = bytes.first == UInt8(ascii: "{")
  }

  /// The whole header: free texts, and the tensors in the order in which they stand.
  mutating func header() throws(TensorLayoutProblem) -> (
    metadata: [String: String], entries: [HeaderEntry]
  ) {
    do throws(TextProblem) {
      return try contents()
    } catch {
      throw TensorLayoutProblem("in the header, \(error)")
    }
  }

  private mutating func contents() throws(TextProblem) -> (
    metadata: [String: String], entries: [HeaderEntry]
  ) {
    // The format allows no space in front, which a cursor would read over.
    guard startsWithObject else { throw cursor.problem("an object") }
    var metadata: [String: String] = [:]
    var entries: [HeaderEntry] = []
    try cursor.members { (cursor, name) throws(TextProblem) in
      if name == TensorLayout.metadataName {
        metadata = try Self.texts(&cursor)
      } else {
        entries.append(try Self.entry(name, &cursor))
      }
    }
    try cursor.end()
    return (metadata, entries)
  }

  private static func texts(_ cursor: inout JSONCursor) throws(TextProblem) -> [String: String] {
    var texts: [String: String] = [:]
    try cursor.members { (cursor, name) throws(TextProblem) in texts[name] = try cursor.text() }
    return texts
  }

  private static func entry(
    _ name: String, _ cursor: inout JSONCursor
  ) throws(TextProblem) -> HeaderEntry {
    var entry = HeaderEntry(name: name)
    try cursor.members { (cursor, member) throws(TextProblem) in
      switch member {
      case "dtype": entry.type = try cursor.text()
      case "shape": entry.shape = try numbers(&cursor)
      case "data_offsets": entry.offsets = try numbers(&cursor)
      default:
        throw TextProblem(
          "tensor '\(name.quotable)' has the unknown member '\(member.quotable)'")
      }
    }
    return entry
  }

  private static func numbers(_ cursor: inout JSONCursor) throws(TextProblem) -> [Int] {
    var numbers: [Int] = []
    try cursor.elements { (cursor) throws(TextProblem) in numbers.append(try cursor.digits()) }
    return numbers
  }
}
