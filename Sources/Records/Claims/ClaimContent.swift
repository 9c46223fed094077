import Platform

/// What a claim's file says: a counter of signs of life, and whose claim it is.
///
///     00000000000000000007
///     {"nonce":"…","owner":{"host":"node3","number":4711,"place":"…","start":"…"}}
struct ClaimContent: Codable {
  /// Unique among all claims.
  let nonce: String
  let owner: RunningProcess

  static func make(_ owner: RunningProcess) -> ClaimContent {
    var random = SystemRandomNumberGenerator()
    return ClaimContent(
      nonce: String(UInt64.random(in: 1 ... .max, using: &random), radix: 16), owner: owner)
  }

  /// The whole file.
  var bytes: [UInt8] { Self.counter(0) + RecordCoding.compact(self) + [UInt8(ascii: "\n")] }

  /// The counter's line, which always has the same length.
  static func counter(_ beats: Int) -> [UInt8] {
    let digits = Array(String(beats).utf8)
    return [UInt8](repeating: UInt8(ascii: "0"), count: 20 - digits.count) + digits
      + [UInt8(ascii: "\n")]
  }

  /// What a claim's file says; nil where that cannot be understood.
  static func read(_ bytes: [UInt8]) -> ClaimContent? {
    guard bytes.count > 21, bytes[20] == UInt8(ascii: "\n") else { return nil }
    return try? RecordCoding.decode(ClaimContent.self, from: Array(bytes[21...]))
  }

  static func owner(in bytes: [UInt8]) -> RunningProcess? { read(bytes)?.owner }
}
