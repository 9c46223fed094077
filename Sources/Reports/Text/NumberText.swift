/// Numbers as tables and plots write them: the same on every machine and in every language.
enum NumberText {
  /// A number with a fixed number of decimals; "–" for one that is not finite.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "–" }
    let scale = (0..<decimals).reduce(1) { power, _ in power * 10 }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if decimals == 0 { return sign + String(scaled) }
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return "\(sign)\(scaled / scale).\(zeros)\(fraction)"
  }

  /// A score with three decimals.
  static func score(_ value: Double?) -> String { value.map { fixed($0, 3) } ?? "–" }

  /// A mean and half of its interval: "0.981 ±0.012".
  static func score(_ statistic: Statistic?) -> String {
    guard let statistic else { return "–" }
    guard let half = statistic.halfInterval else { return score(statistic.mean) }
    return "\(score(statistic.mean)) ±\(score(half))"
  }

  /// The number with all its digits; nothing for one that is missing or not finite.
  static func exact(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return "\(value)"
  }

  /// A difference, always with its sign: "+0.120", "-0.003"; "0.000" for none.
  static func signed(_ value: Double) -> String {
    let text = score(value)
    return value > 0 && text.contains { ("1"..."9").contains($0) } ? "+" + text : text
  }

  /// A duration: "12.3 s", "4.5 min", "1.25 h".
  static func duration(_ seconds: Double) -> String {
    if seconds < 99.95 { return fixed(seconds, seconds < 9.995 ? 2 : 1) + " s" }
    return seconds < 5400 ? fixed(seconds / 60, 1) + " min" : fixed(seconds / 3600, 2) + " h"
  }

  /// A number with three significant digits: "0.001", "3.16e-4", "1.5", "128000".
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    if value == 0 { return "0" }
    var exponent = 0
    var digits = abs(value)
    while digits >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
    while digits < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
    let sign = value < 0 ? "-" : ""
    if exponent >= 6 || exponent < -3 {
      let mantissa = trimmed(fixed(digits, 2))
      return mantissa == "10" ? "\(sign)1e\(exponent + 1)" : "\(sign)\(mantissa)e\(exponent)"
    }
    return trimmed(fixed(value, max(0, 2 - exponent)))
  }

  /// A setting: long numbers shortened, everything else as it is.
  static func setting(_ text: String) -> String {
    guard text.count > 6, let value = Double(text) else { return text }
    return short(value)
  }

  /// A count with its thousands apart: "421,888".
  static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A size in powers of 1024: "512 B", "1.5 KiB".
  static func bytes(_ value: Int) -> String {
    var size = Double(value)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if size < 1024 {
        return "\(trimmed(fixed(size, size < 10 ? 2 : size < 100 ? 1 : 0))) \(unit)"
      }
      size /= 1024
    }
    return "\(trimmed(fixed(size, 1))) TiB"
  }

  /// A number of operations, or a number per second: "12.3 k", "1.25 M", "4.60 T".
  static func rate(_ value: Double) -> String {
    if value < 999.5 { return fixed(value, 0) }
    var scaled = value / 1000
    var units = ["k", "M", "G", "T", "P"][...]
    while scaled >= 999.5, units.count > 1 { (scaled, units) = (scaled / 1000, units.dropFirst()) }
    let decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0
    return fixed(scaled, decimals) + " " + units[units.startIndex]
  }

  /// The number without zeros at the end of its fraction.
  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
