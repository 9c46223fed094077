/// What is wrong with a text, without the file and line in which it stands.
package struct TextProblem: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

extension String {
  /// The text for a mention in a message: short, and with nothing in it that breaks a line or fools
  /// a terminal.
  package var quotable: String {
    let plain = unicodeScalars.map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator:
        Character("?")
      default: Character(scalar)
      }
    }
    return plain.count <= 40 ? String(plain) : String(plain.prefix(39)) + "…"
  }
}
