/// The declaration of one setting of a task or an architecture.
///
/// A declaration is all that the rest of the suite needs: it checks grids and command lines,
/// fills in defaults, and makes `list` and the help texts.
public struct Setting: Sendable, Hashable {
  /// What a setting's value may be.
  public enum Kind: Sendable, Hashable {
    case flag
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case choice([String])
    /// A single whole number or a range of them, each end within the bounds.
    case integers(ClosedRange<Int>)
    case text
  }

  public let name: String
  public let kind: Kind
  public let defaultValue: SettingValue
  /// One line that says what the setting means, with its symbol in the literature.
  public let meaning: String

  public init(_ name: String, _ kind: Kind, default defaultValue: SettingValue, _ meaning: String) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.meaning = meaning
  }
}

extension Setting.Kind {
  /// The name of the kind in listings and messages.
  public var name: String {
    switch self {
    case .flag: "flag"
    case .integer: "integer"
    case .number: "number"
    case .choice: "choice"
    case .integers: "integer or range"
    case .text: "text"
    }
  }

  /// What would be right, for messages: "a whole number from 1 to 64".
  public var expectation: String {
    switch self {
    case .flag: return "true or false"
    case .integer(let bounds): return "a whole number " + Self.span(bounds)
    case .integers(let bounds):
      return "a whole number or a range {from: a, to: b} " + Self.span(bounds)
    case .number(let bounds):
      if bounds.upperBound == .greatestFiniteMagnitude {
        return "a number of at least \(bounds.lowerBound)"
      }
      return "a number from \(bounds.lowerBound) to \(bounds.upperBound)"
    case .choice(let names): return "one of " + names.joined(separator: ", ")
    case .text: return "a text"
    }
  }

  private static func span(_ bounds: ClosedRange<Int>) -> String {
    bounds.upperBound == .max
      ? "of at least \(bounds.lowerBound)"
      : "from \(bounds.lowerBound) to \(bounds.upperBound)"
  }

  /// The value in the kind's normal form, or nil where it does not fit.
  ///
  /// `1e3` fits an integer, `3` a number, a single integer stays single where a range is allowed.
  public func normalised(_ value: SettingValue) -> SettingValue? {
    switch (self, value) {
    case (.flag, .flag): return value
    case (.integer(let bounds), .integer(let found)):
      return bounds.contains(found) ? value : nil
    case (.integer, .number(let found)), (.integers, .number(let found)):
      guard let whole = Int(exactly: found) else { return nil }
      return normalised(.integer(whole))
    case (.number(let bounds), .number(let found)):
      return bounds.contains(found) ? value : nil
    case (.number, .integer(let found)): return normalised(.number(Double(found)))
    case (.choice(let names), .text(let found)): return names.contains(found) ? value : nil
    case (.integers(let bounds), .integer(let found)):
      return bounds.contains(found) ? value : nil
    case (.integers(let bounds), .range(let found)):
      guard bounds.contains(found.lowerBound), bounds.contains(found.upperBound) else { return nil }
      return found.lowerBound == found.upperBound ? .integer(found.lowerBound) : value
    case (.text, .text): return value
    default: return nil
    }
  }
}
