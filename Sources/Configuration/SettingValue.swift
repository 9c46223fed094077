/// A value of a setting, as it is written in a grid file, on a command line or in a record.
///
/// Whole numbers and other numbers are kept apart, so that `4` and `4.0` have one normal form
/// each and a record's key does not depend on how a number was spelled.
public enum SettingValue: Sendable, Hashable {
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  /// An inclusive range of whole numbers, written `{from: 3, to: 40}`.
  case range(ClosedRange<Int>)
  case list([SettingValue])
}

extension SettingValue: CustomStringConvertible {
  /// The value in the notation of grid files.
  public var description: String {
    switch self {
    case .flag(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .number(let value): return String(value)
    case .text(let value): return value
    case .range(let value): return "{from: \(value.lowerBound), to: \(value.upperBound)}"
    case .list(let values):
      return "[" + values.map(\.description).joined(separator: ", ") + "]"
    }
  }
}

extension SettingValue: Codable {
  private enum RangeKey: String, CodingKey { case from, to }

  public init(from decoder: any Decoder) throws {
    if let ends = try? decoder.container(keyedBy: RangeKey.self) {
      let from = try ends.decode(Int.self, forKey: .from)
      let to = try ends.decode(Int.self, forKey: .to)
      guard from <= to else {
        throw DecodingError.dataCorruptedError(
          forKey: .to, in: ends, debugDescription: "a range must not end before it starts")
      }
      self = .range(from...to)
      return
    }
    let single = try decoder.singleValueContainer()
    if let value = try? single.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? single.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? single.decode(Double.self) {
      self = .number(value)
    } else if let value = try? single.decode(String.self) {
      self = .text(value)
    } else {
      self = .list(try single.decode([SettingValue].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    if case .range(let value) = self {
      var ends = encoder.container(keyedBy: RangeKey.self)
      try ends.encode(value.lowerBound, forKey: .from)
      try ends.encode(value.upperBound, forKey: .to)
      return
    }
    var single = encoder.singleValueContainer()
    switch self {
    case .flag(let value): try single.encode(value)
    case .integer(let value): try single.encode(value)
    case .number(let value): try single.encode(value)
    case .text(let value): try single.encode(value)
    case .list(let values): try single.encode(values)
    case .range: break
    }
  }
}
