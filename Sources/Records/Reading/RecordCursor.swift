/// JSON that is not of the form in which the program writes it, so that the general decoder has to
/// say what it is.
struct UnfamiliarJSON: Error {}

/// A place in compact JSON whose members are known and come in ascending order of their names, as
/// the program writes them.
///
/// The general decoder takes a hundred times as long, which counts where a report reads tens of
/// thousands of records. Whatever is not as expected ends in `UnfamiliarJSON`.
struct RecordCursor {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private var current: UInt8 { place < bytes.count ? bytes[place] : 0 }

  /// Whether everything was read.
  var isAtEnd: Bool { place == bytes.count }

  private mutating func expect(_ byte: UInt8) throws(UnfamiliarJSON) {
    guard current == byte else { throw UnfamiliarJSON() }
    place += 1
  }

  // MARK: - Objects and lists

  mutating func open() throws(UnfamiliarJSON) { try expect(UInt8(ascii: "{")) }
  mutating func close() throws(UnfamiliarJSON) { try expect(UInt8(ascii: "}")) }

  /// Moves to the value of a member if that is the next one.
  mutating func isNext(_ name: StaticString) -> Bool {
    var next = place
    if next > 0, bytes[next - 1] != UInt8(ascii: "{") {
      guard current == JSONText.Character.comma else { return false }
      next += 1
    }
    let count = name.utf8CodeUnitCount
    guard next + count + 3 <= bytes.count, bytes[next] == JSONText.Character.quote,
      bytes[next + count + 1] == JSONText.Character.quote,
      bytes[next + count + 2] == JSONText.Character.colon
    else { return false }
    let start = name.utf8Start
    for offset in 0..<count where bytes[next + 1 + offset] != start[offset] { return false }
    place = next + count + 3
    return true
  }

  /// Moves to the value of a member, which must be the next one.
  mutating func member(_ name: StaticString) throws(UnfamiliarJSON) {
    guard isNext(name) else { throw UnfamiliarJSON() }
  }

  mutating func list<Element>(
    _ element: (inout RecordCursor) throws(UnfamiliarJSON) -> Element
  ) throws(UnfamiliarJSON) -> [Element] {
    try expect(UInt8(ascii: "["))
    var elements: [Element] = []
    if current == UInt8(ascii: "]") {
      place += 1
      return elements
    }
    while true {
      elements.append(try element(&self))
      if current == JSONText.Character.comma {
        place += 1
      } else {
        try expect(UInt8(ascii: "]"))
        return elements
      }
    }
  }

  /// The bytes of any value.
  mutating func raw() throws(UnfamiliarJSON) -> UnsafeBufferPointer<UInt8> {
    let start = place
    if current == JSONText.Character.quote {
      try skipText()
    } else if JSONText.Character.opens(current) {
      try skipNested()
    } else {
      while place < bytes.count, !endsScalar { place += 1 }
    }
    guard place > start else { throw UnfamiliarJSON() }
    return UnsafeBufferPointer(rebasing: bytes[start..<place])
  }

  private mutating func skipNested() throws(UnfamiliarJSON) {
    var depth = 0
    repeat {
      guard place < bytes.count else { throw UnfamiliarJSON() }
      let byte = bytes[place]
      if byte == JSONText.Character.quote {
        try skipText()
        continue
      }
      if JSONText.Character.opens(byte) { depth += 1 }
      if JSONText.Character.closes(byte) { depth -= 1 }
      place += 1
    } while depth > 0
  }

  /// Whether a number or a word ends here.
  private var endsScalar: Bool {
    JSONText.Character.separates(current) || JSONText.Character.closes(current)
  }

  private mutating func skipText() throws(UnfamiliarJSON) {
    place += 1
    while place < bytes.count, bytes[place] != JSONText.Character.quote {
      place += bytes[place] == JSONText.Character.backslash ? 2 : 1
    }
    guard place < bytes.count else { throw UnfamiliarJSON() }
    place += 1
  }

  // MARK: - Scalars

  mutating func text() throws(UnfamiliarJSON) -> String {
    guard current == JSONText.Character.quote else { throw UnfamiliarJSON() }
    let start = place + 1
    try skipText()
    let content = bytes[start..<(place - 1)]
    guard !content.contains(where: { $0 == JSONText.Character.backslash || $0 < 0x20 }),
      let text = String(validating: content, as: UTF8.self)
    else { throw UnfamiliarJSON() }
    return text
  }

  mutating func flag() throws(UnfamiliarJSON) -> Bool {
    let word = try raw()
    if word.elementsEqual("true".utf8) { return true }
    guard word.elementsEqual("false".utf8) else { throw UnfamiliarJSON() }
    return false
  }

  mutating func integer() throws(UnfamiliarJSON) -> Int {
    let isNegative = skip(UInt8(ascii: "-"))
    let (value, digits) = try wholeNumber()
    // Eighteen digits cannot overflow.
    guard digits <= 18, endsScalar || isAtEnd else { throw UnfamiliarJSON() }
    return isNegative ? -Int(value) : Int(value)
  }

  /// A number, or one of the texts for those that JSON has not.
  mutating func number() throws(UnfamiliarJSON) -> Double {
    if current == JSONText.Character.quote { return try namedNumber() }
    let start = place
    let isNegative = skip(UInt8(ascii: "-"))
    var (mantissa, digits) = try wholeNumber()
    var scale = 0
    if skip(UInt8(ascii: ".")) {
      scale = appendDigits(to: &mantissa)
      guard scale > 0 else { throw UnfamiliarJSON() }
      digits += scale
    }
    // Exact: both are whole numbers that a Double holds, so the quotient is rounded once.
    if digits <= 15, endsScalar || isAtEnd {
      let value = Double(mantissa) / Self.powersOfTen[scale]
      return isNegative ? -value : value
    }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      if !skip(UInt8(ascii: "-")) { skip(UInt8(ascii: "+")) }
      guard appendDigits(to: &mantissa) > 0 else { throw UnfamiliarJSON() }
    }
    let token = String(decoding: bytes[start..<place], as: UTF8.self)
    guard endsScalar || isAtEnd, let value = Double(token), value.isFinite else {
      throw UnfamiliarJSON()
    }
    return value
  }

  private mutating func namedNumber() throws(UnfamiliarJSON) -> Double {
    switch try text() {
    case "NaN": return .nan
    case "Infinity": return .infinity
    case "-Infinity": return -.infinity
    default: throw UnfamiliarJSON()
    }
  }

  /// Moves on over a byte if it is the next one; returns whether it was.
  @discardableResult
  private mutating func skip(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    place += 1
    return true
  }

  /// The digits of a whole number, which starts with no zero but as the only digit.
  private mutating func wholeNumber() throws(UnfamiliarJSON) -> (value: UInt64, digits: Int) {
    let startsWithZero = current == UInt8(ascii: "0")
    var value: UInt64 = 0
    let digits = appendDigits(to: &value)
    guard digits > 0, digits == 1 || !startsWithZero else { throw UnfamiliarJSON() }
    return (value, digits)
  }

  /// Reads digits into a number, which loses the first ones where they are too many.
  private mutating func appendDigits(to value: inout UInt64) -> Int {
    let start = place
    while place < bytes.count, case let digit = bytes[place] &- UInt8(ascii: "0"), digit < 10 {
      value = value &* 10 &+ UInt64(digit)
      place += 1
    }
    return place - start
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]
}
