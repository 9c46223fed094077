/// Reads JSON value by value, without making a tree of it: lines of logits are long.
///
/// It is as strict as the format, with three words more, which Python writes: `NaN`, `Infinity` and
/// `-Infinity`. No input exhausts the stack.
package struct JSONCursor {
  private static let deepest = 64

  private let bytes: [UInt8]
  private var place = 0
  private var depth = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// What comes next.
  package enum Kind: Sendable { case object, list, text, number, null, flag, nothing }

  package mutating func kind() -> Kind {
    skipSpace()
    guard place < bytes.count else { return .nothing }
    switch bytes[place] {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .list
    case UInt8(ascii: "\""): return .text
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .flag
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "N"),
      UInt8(ascii: "I"):
      return .number
    default: return .nothing
    }
  }

  /// Reads an object, whose names must differ; `member` reads a value.
  package mutating func members(
    _ member: (inout JSONCursor, String) throws(TextProblem) -> Void
  ) throws(TextProblem) {
    try enter(UInt8(ascii: "{"), "an object")
    defer { depth -= 1 }
    var names: Set<String> = []
    guard !accept(UInt8(ascii: "}")) else { return }
    repeat {
      let name = try text()
      guard names.insert(name).inserted else {
        throw TextProblem("the name '\(name.quotable)' stands twice")
      }
      try expect(UInt8(ascii: ":"), "':'")
      try member(&self, name)
    } while accept(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "',' or '}'")
  }

  /// Reads a list; `element` reads a value.
  package mutating func elements(
    _ element: (inout JSONCursor) throws(TextProblem) -> Void
  ) throws(TextProblem) {
    try enter(UInt8(ascii: "["), "a list")
    defer { depth -= 1 }
    guard !accept(UInt8(ascii: "]")) else { return }
    repeat { try element(&self) } while accept(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "',' or ']'")
  }

  /// Reads `null` where it stands.
  package mutating func acceptsNull() -> Bool {
    skipSpace()
    guard bytes[place...].starts(with: "null".utf8) else { return false }
    place += 4
    return true
  }

  /// Reads a whole number.
  package mutating func integer() throws(TextProblem) -> Int {
    let start = place
    let number = try number()
    guard let whole = Int(exactly: number), abs(whole) < 1 << 53 else {
      place = start
      throw problem("a whole number")
    }
    return whole
  }

  /// Reads a whole number in plain digits, without a sign, a fraction or an exponent.
  package mutating func digits() throws(TextProblem) -> Int {
    skipSpace()
    let digits = bytes[place...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else {
      throw problem("a whole number")
    }
    guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
      throw problem("a number below 2^63")
    }
    place = digits.endIndex
    return number
  }

  /// Reads a number, or one of Python's words for what is none.
  package mutating func number() throws(TextProblem) -> Double {
    skipSpace()
    let digit = place + (isAt(place, UInt8(ascii: "-")) ? 1 : 0)
    if isAt(digit, UInt8(ascii: "I")) || isAt(digit, UInt8(ascii: "N")) {
      for (word, value) in Self.words where bytes[place...].starts(with: word) {
        place += word.count
        return value
      }
    }
    return try decimal()
  }

  /// Reads a text.
  package mutating func text() throws(TextProblem) -> String {
    try expect(UInt8(ascii: "\""), "a text")
    var content: [UInt8] = []
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw problem("UTF-8") }
        return text
      case UInt8(ascii: "\\"): content.append(contentsOf: String(try escaped()).utf8)
      case 0..<0x20: throw problem("a text without control characters")
      default: content.append(byte)
      }
    }
    throw problem("the end of a text")
  }

  /// Reads a value of any kind and forgets it.
  package mutating func skip() throws(TextProblem) {
    switch kind() {
    case .object:
      try members { (cursor, _) throws(TextProblem) in try cursor.skip() }
    case .list: try elements { (cursor) throws(TextProblem) in try cursor.skip() }
    case .text: _ = try text()
    case .number: _ = try number()
    case .null:
      guard acceptsNull() else { throw problem("a value") }
    case .flag:
      for word in ["true", "false"] where bytes[place...].starts(with: word.utf8) {
        place += word.utf8.count
        return
      }
      throw problem("a value")
    case .nothing: throw problem("a value")
    }
  }

  /// Checks that nothing follows.
  package mutating func end() throws(TextProblem) {
    skipSpace()
    guard place == bytes.count else { throw problem("the end") }
  }

  /// A fault at the present place.
  package func problem(_ expected: String) -> TextProblem {
    TextProblem("there should be \(expected) at character \(place + 1)")
  }

  // MARK: - Numbers

  private static let words: [([UInt8], Double)] = [
    (Array("NaN".utf8), .nan), (Array("Infinity".utf8), .infinity),
    (Array("-Infinity".utf8), -.infinity),
  ]
  /// The powers of ten that are exact.
  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  /// A number in decimal digits.
  ///
  /// Up to 15 digits and a small power of ten, which is what lines of logits have, one product or
  /// quotient of exact numbers gives the nearest number; the others go to the library.
  private mutating func decimal() throws(TextProblem) -> Double {
    let start = place
    let isNegative = take(UInt8(ascii: "-"))
    var digits: UInt64 = 0
    var count = 0
    let first = place
    takeDigits(&digits, &count)
    guard place > first, bytes[first] != UInt8(ascii: "0") || place == first + 1 else {
      place = start
      throw problem("a number")
    }
    var exponent = 0
    if take(UInt8(ascii: ".")) {
      let point = place
      takeDigits(&digits, &count)
      guard place > point else { throw problem("a digit") }
      exponent = point - place
    }
    if place < bytes.count, bytes[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      exponent += try self.exponent()
    }
    if count <= 15, abs(exponent) <= 22 {
      let power = Self.powers[abs(exponent)]
      let value = exponent < 0 ? Double(digits) / power : Double(digits) * power
      return isNegative ? -value : value
    }
    guard let value = Double(String(decoding: bytes[start..<place], as: UTF8.self)) else {
      throw problem("a number")
    }
    return value
  }

  private mutating func takeDigits(_ digits: inout UInt64, _ count: inout Int) {
    while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) {
      // Leading zeros are no digits of the value.
      if digits > 0 || bytes[place] != UInt8(ascii: "0") { count += 1 }
      if count <= 18 { digits = digits * 10 + UInt64(bytes[place] - UInt8(ascii: "0")) }
      place += 1
    }
  }

  private mutating func exponent() throws(TextProblem) -> Int {
    let isNegative = take(UInt8(ascii: "-"))
    if !isNegative { _ = take(UInt8(ascii: "+")) }
    let start = place
    var digits: UInt64 = 0
    var count = 0
    takeDigits(&digits, &count)
    guard place > start else { throw problem("a digit") }
    let value = Int(min(digits, 100_000))
    return isNegative ? -value : value
  }

  // MARK: - Texts

  /// The character of an escape whose backslash was read.
  private mutating func escaped() throws(TextProblem) -> Unicode.Scalar {
    guard place < bytes.count else { throw problem("an escape") }
    let byte = bytes[place]
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal()
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
        throw problem("a pair of surrogates")
      }
      let second = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw problem("a pair of surrogates") }
      return scalar
    default: throw problem("an escape")
    }
  }

  private mutating func hexadecimal() throws(TextProblem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard place < bytes.count, bytes[place] < 0x80,
        let digit = Character(Unicode.Scalar(bytes[place])).hexDigitValue
      else { throw problem("four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      place += 1
    }
    return value
  }

  // MARK: - Bytes

  private mutating func enter(_ byte: UInt8, _ what: String) throws(TextProblem) {
    try expect(byte, what)
    depth += 1
    guard depth <= Self.deepest else { throw problem("less than \(Self.deepest) brackets") }
  }

  private mutating func skipSpace() {
    while place < bytes.count {
      switch bytes[place] {
      case 0x20, 0x09, 0x0A, 0x0D: place += 1
      default: return
      }
    }
  }

  private func isAt(_ place: Int, _ byte: UInt8) -> Bool {
    place < bytes.count && bytes[place] == byte
  }

  /// Takes a byte that must stand right here.
  private mutating func take(_ byte: UInt8) -> Bool {
    guard isAt(place, byte) else { return false }
    place += 1
    return true
  }

  private mutating func accept(_ byte: UInt8) -> Bool {
    skipSpace()
    return take(byte)
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(TextProblem) {
    guard accept(byte) else { throw problem(what) }
  }
}
