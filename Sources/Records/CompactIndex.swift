import Platform
import Synchronization

/// The lines of a `records.jsonl` by key, read when they are first asked for.
///
/// Planning asks for every cell of a grid; reading the file each time would take the square of
/// the number of cells.
final class CompactIndex: Sendable {
  private let path: String
  private let lines = Mutex<[String: ArraySlice<UInt8>]?>(nil)

  init(_ path: String) { self.path = path }

  /// The line with the record of a key, whole or damaged, as long as its key can be read.
  func line(of key: String) -> [UInt8]? { all[key].map { Array($0) } }

  var keys: Set<String> { Set(all.keys) }

  /// Forgets what was read, because the file is written anew.
  func forget() { lines.withLock { $0 = nil } }

  private var all: [String: ArraySlice<UInt8>] {
    lines.withLock { lines in
      if let lines { return lines }
      let found = Self.lines(of: path)
      lines = found
      return found
    }
  }

  private static func lines(of path: String) -> [String: ArraySlice<UInt8>] {
    struct Header: Decodable { let key: String }
    guard let bytes = try? Files.read(path) else { return [:] }
    var lines: [String: ArraySlice<UInt8>] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if let header = try? RecordCoding.decode(Header.self, from: Array(line)) {
        lines[header.key] = line
      }
    }
    return lines
  }
}
