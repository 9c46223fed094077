/// The values of parts that many records have in common, each decoded once.
///
/// Records of one grid share their task, their model and their settings, byte by byte.
struct DecodedParts<Value: Decodable> {
  /// More distinct parts than any grid shares would only take memory.
  private static var most: Int { 4096 }

  private var values: [UInt64: [(bytes: [UInt8], value: Value)]] = [:]
  private var count = 0

  /// The value of some JSON.
  mutating func value(_ bytes: UnsafeBufferPointer<UInt8>) throws(UnfamiliarJSON) -> Value {
    let hash = Self.hash(bytes)
    for known in values[hash] ?? [] where known.bytes.elementsEqual(bytes) { return known.value }
    let copy = Array(bytes)
    guard let value = try? RecordCoding.decode(Value.self, from: copy) else {
      throw UnfamiliarJSON()
    }
    if count >= Self.most {
      values = [:]
      count = 0
    }
    values[hash, default: []].append((copy, value))
    count += 1
    return value
  }

  /// FNV-1a over words of eight bytes.
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    let raw = UnsafeRawBufferPointer(bytes)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    var place = 0
    while place + 8 <= raw.count {
      let word = raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      hash = (hash ^ word) &* 0x100_0000_01b3
      hash ^= hash >> 29
      place += 8
    }
    while place < raw.count {
      hash = (hash ^ UInt64(raw[place])) &* 0x100_0000_01b3
      place += 1
    }
    return hash
  }
}
