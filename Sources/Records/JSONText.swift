/// JSON as bytes: what the encoder leaves open (spacing, layout) in one fixed form.
package enum JSONText {
  /// A value that is neither a list nor an object, and where it lies.
  package struct Leaf: Sendable, Hashable {
    /// The names of the members on the way, joined by dots; places in lists count from 0.
    package let path: String
    /// The value as it is written, a text without its quotes.
    package let text: String
  }

  /// The bytes without the spaces and line ends between the values.
  package static func compact(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: bytes.count) { result, count in
      bytes.withUnsafeBufferPointer { count = compact($0, into: result) }
    }
  }

  /// Works on borrowed memory, because a report reads hundreds of megabytes.
  private static func compact(
    _ bytes: UnsafeBufferPointer<UInt8>, into result: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    var count = 0
    var inText = false
    var escaped = false
    for byte in bytes {
      if inText {
        inText = escaped || byte != Character.quote
        escaped = !escaped && byte == Character.backslash
      } else if Character.isSpace(byte) {
        continue
      } else {
        inText = byte == Character.quote
      }
      result[count] = byte
      count += 1
    }
    return count
  }

  /// Compact JSON laid out for people: two spaces per level, and on one line what fits there.
  package static func pretty(_ compact: [UInt8], width: Int = 100) -> [UInt8] {
    var printer = JSONPrinter(compact, width: width)
    return printer.print()
  }

  /// All leaves of compact JSON in their order; an empty list or object is a leaf too.
  package static func leaves(_ compact: [UInt8]) -> [Leaf] {
    var scanner = JSONScanner(compact)
    scanner.value(at: "")
    return scanner.leaves
  }

  enum Character {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let space = UInt8(ascii: " ")
    static let newline = UInt8(ascii: "\n")

    static func separates(_ byte: UInt8) -> Bool { byte == comma || byte == colon }
    static func isSpace(_ byte: UInt8) -> Bool { byte == space || (9...13).contains(byte) }
    static func opens(_ byte: UInt8) -> Bool {
      byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
    }
    static func closes(_ byte: UInt8) -> Bool {
      byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }
  }
}

/// A place in compact JSON that moves from one token to the next.
struct JSONScanner {
  let bytes: [UInt8]
  private var place = 0
  private(set) var leaves: [JSONText.Leaf] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8 { place < bytes.count ? bytes[place] : 0 }

  mutating func value(at path: String) {
    guard JSONText.Character.opens(current) else {
      leaves.append(.init(path: path, text: scalar()))
      return
    }
    let isObject = current == UInt8(ascii: "{")
    place += 1
    if JSONText.Character.closes(current) {
      leaves.append(.init(path: path, text: isObject ? "{}" : "[]"))
    }
    var index = 0
    while place < bytes.count, !JSONText.Character.closes(current) {
      let name = isObject ? scalar() : String(index)
      if isObject { place += 1 }
      value(at: path.isEmpty ? name : path + "." + name)
      if current == JSONText.Character.comma { place += 1 }
      index += 1
    }
    place += 1
  }

  private mutating func scalar() -> String {
    let start = min(place, bytes.count)
    place = tokenEnd(from: start)
    let token = bytes[start..<place]
    let isText = token.count >= 2 && token.first == JSONText.Character.quote
    return String(decoding: isText ? token.dropFirst().dropLast() : token, as: UTF8.self)
  }

  /// Where the text, number or word that starts at a place ends.
  ///
  /// It is at least one byte long, so that a scan of damaged bytes ends too.
  func tokenEnd(from start: Int) -> Int {
    var end = start + 1
    if start < bytes.count, bytes[start] == JSONText.Character.quote {
      while end < bytes.count, bytes[end] != JSONText.Character.quote {
        end += bytes[end] == JSONText.Character.backslash ? 2 : 1
      }
      return min(end + 1, bytes.count)
    }
    while end < bytes.count {
      let byte = bytes[end]
      if JSONText.Character.separates(byte) || JSONText.Character.closes(byte) { break }
      end += 1
    }
    return min(end, bytes.count)
  }
}
