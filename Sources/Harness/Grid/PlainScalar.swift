import Configuration

/// Reads plain (unquoted) scalars by the core schema of YAML 1.2.
///
/// The traps of YAML 1.1 are absent: `no` and `off` are texts, `12:30` is no number. Where the two
/// versions read different numbers (`017`), the scalar stays a text, which no number accepts.
/// Digits may be grouped: `100_000`.
enum PlainScalar {
  /// The value of a plain scalar; nil where it stands for nothing.
  static func value(of text: String) -> SettingValue? {
    switch text {
    case "", "~", "null", "Null", "NULL": return nil
    case "true", "True", "TRUE": return .flag(true)
    case "false", "False", "FALSE": return .flag(false)
    default: return number(text) ?? .text(text)
    }
  }

  private static func number(_ text: String) -> SettingValue? {
    var digits = Substring(text)
    if let sign = digits.first, sign == "-" || sign == "+" { digits.removeFirst() }
    switch digits {
    case ".inf", ".Inf", ".INF": return .number(text.hasPrefix("-") ? -.infinity : .infinity)
    case ".nan", ".NaN", ".NAN": return text.hasPrefix(".") ? .number(.nan) : nil
    default: break
    }
    guard let shape = Shape(digits) else { return nil }
    let plain = text.filter { $0 != "_" }
    if shape == .whole, let whole = Int(plain) { return .integer(whole) }
    // The sum makes -0 and 0 one number, so that they have one normal form.
    return Double(plain).map { .number($0 + 0) }
  }

  private enum Shape {
    case whole
    case fraction

    /// The shape of an unsigned number, or nil for anything else.
    init?(_ text: Substring) {
      let bytes = Array(text.utf8)
      var index = 0
      let before = Self.skipDigits(bytes, &index)
      var after = 0
      self = .whole
      if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
        index += 1
        after = Self.skipDigits(bytes, &index)
        self = .fraction
      }
      guard before + after > 0, before < 2 || bytes[0] != UInt8(ascii: "0") else { return nil }
      if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
        index += 1
        if index < bytes.count, Self.signs.contains(bytes[index]) { index += 1 }
        guard Self.skipDigits(bytes, &index) > 0 else { return nil }
        self = .fraction
      }
      guard index == bytes.count else { return nil }
    }

    private static let signs = Array("+-".utf8)
    private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    /// Skips digits with single underscores between them, and returns how many there were.
    private static func skipDigits(_ bytes: [UInt8], _ index: inout Int) -> Int {
      var count = 0
      while index < bytes.count {
        if digits.contains(bytes[index]) {
          count += 1
        } else if bytes[index] != UInt8(ascii: "_") || count == 0 || index + 1 == bytes.count
          || !digits.contains(bytes[index + 1])
        {
          break
        }
        index += 1
      }
      return count
    }
  }
}
