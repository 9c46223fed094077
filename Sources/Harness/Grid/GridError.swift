import Configuration

/// A place in a grid file, or the command-line option that took the place of one.
public struct SourcePosition: Sendable, Hashable, CustomStringConvertible {
  /// The file as it was named by the user, or an option such as `--set training.steps`.
  public let source: String
  /// Counted from 1; 0 where the source has no lines.
  public let line: Int
  /// Counted in Unicode scalars from 1; 0 where the source has no lines.
  public let column: Int

  public init(_ source: String, line: Int = 0, column: Int = 0) {
    self.source = source
    self.line = line
    self.column = column
  }

  public var description: String { line > 0 ? "\(source):\(line):\(column)" : source }

  /// The position for a mention inside a message that already names the file.
  var short: String { line > 0 ? "line \(line)" : source }
}

/// A grid that cannot be accepted: where, what was found, and what would be right.
///
/// Its description is one line, whatever the grid holds.
public struct GridError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Exit statuses of `sysexits.h`.
  public enum Status: Int32, Sendable {
    case usage = 64
    case data = 65
    case noInput = 66
  }

  public let position: SourcePosition
  public let message: String
  /// What would be right; may be empty.
  public let help: String
  public let status: Status
  let fault: Fault

  /// What kind of fault it is, which decides what else may be to blame.
  enum Fault: Sendable, Hashable {
    /// The value at the position is wrong by itself.
    case value
    /// Each value is right by itself, the one at the position is impossible with others.
    case combination
    /// As before, but the setting at fault has its default, and the position is its owner's.
    case combinationWithDefault
  }

  public init(
    _ position: SourcePosition, _ message: String, help: String = "", status: Status = .data
  ) {
    self.init(position, message, help: help, status: status, fault: .value)
  }

  init(
    _ position: SourcePosition, _ message: String, help: String, status: Status = .data,
    fault: Fault
  ) {
    self.position = position
    self.message = message
    self.help = help
    self.status = status
    self.fault = fault
  }

  /// A fault of several settings together.
  ///
  /// - Parameters:
  ///   - position: The place of the setting at fault; nil where it is not given.
  ///   - owner: The place of what has the setting.
  ///   - error: The fault.
  init(_ position: SourcePosition?, of owner: SourcePosition, together error: SettingError) {
    self.init(
      position ?? owner, error.problem, help: error.help,
      fault: position == nil ? .combinationWithDefault : .combination)
  }

  public var description: String {
    let text = help.isEmpty ? message : message + "; " + help
    return Self.printable("\(position): \(text)")
  }

  /// The same fault at another place.
  func moved(to position: SourcePosition) -> GridError {
    GridError(position, message, help: help, status: status, fault: fault)
  }

  /// The text with every character that could break a line or fool a terminal written as an
  /// escape.
  static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar.isPrintable {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      }
    }
    return result
  }

  /// The error for a name that is not known, with the nearest one that is.
  ///
  /// - Parameters:
  ///   - position: Where the name is.
  ///   - kind: What the name should be, for the message: "mixer".
  ///   - name: What was found.
  ///   - known: The names that would be right.
  ///   - listing: What lists them all, where they are too many for one line.
  /// - Returns: The error.
  static func unknown(
    _ position: SourcePosition, _ kind: String, _ name: String, known: [String], listing: String
  ) -> GridError {
    let nearest = nearestName(to: name, among: known).map { "did you mean '\($0)'? " } ?? ""
    let list = known.count > 12 ? listing : known.joined(separator: ", ")
    return GridError(
      position, "unknown \(kind) '\(name.shortened)'", help: nearest + "known are: " + list)
  }
}

extension Unicode.Scalar {
  /// Whether the scalar shows as itself and changes nothing else: no control, no direction mark.
  var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      false
    default: true
    }
  }
}

extension String {
  /// The text for a mention in a message: its start, where it is long.
  var shortened: String { count > 48 ? prefix(47) + "…" : self }
}
