public import Configuration

/// The SHA-256 of some bytes in 64 hexadecimal digits.
public func contentHash(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: SHA256.hash(bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
    as: UTF8.self)
}

/// The names of cells.
public enum CellKey {
  /// The number of hexadecimal digits of a key; with 64 bits, a million cells share a key with a
  /// probability of 3 in 100 million.
  static let length = 16

  /// The key of a cell: a hash of all that determines its numbers.
  public static func make(configuration: CellConfiguration, versions: CellVersions) -> String {
    struct Identity: Encodable {
      let configuration: CellConfiguration
      let versions: CellVersions
    }
    let identity = Identity(configuration: configuration, versions: versions)
    return String(contentHash(RecordCoding.compact(identity)).prefix(length))
  }

  /// Whether a text has the form of a key; what has not must never become part of a path.
  static func isValid(_ text: String) -> Bool {
    text.utf8.count == length
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}
