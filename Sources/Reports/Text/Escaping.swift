/// Names that users chose, made harmless in every format that reports are written in.
enum Escaping {
  /// One line of printable characters.
  ///
  /// Control characters could steer a terminal, and marks of writing direction could turn a line
  /// around.
  static func line(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: result.append(" ")
      case .format, .surrogate, .privateUse, .unassigned: continue
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A field of RFC 4180.
  ///
  /// A text that a spreadsheet would run as a formula starts with an apostrophe.
  static func csv(_ text: String) -> String {
    var text = text
    if let first = text.first, "=+-@\t\r".contains(first) { text = "'" + text }
    guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
      return text
    }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  /// Text of Markdown, in or outside of a table.
  static func markdown(_ text: String) -> String {
    var result = ""
    for character in line(text) {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~", "$", "!": result += "\\\(character)"
      default: result.append(character)
      }
    }
    return result
  }

  /// Text of XML, in or outside of an attribute.
  static func xml(_ text: String) -> String {
    var result = ""
    for scalar in line(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      // Not characters of XML 1.0, not even as references.
      case "\u{FFFE}", "\u{FFFF}": continue
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Text of LaTeX, in which every character stands for itself, even at the start of a row.
  static func latex(_ text: String) -> String {
    var result = ""
    var last: Unicode.Scalar = " "
    for scalar in line(text).unicodeScalars {
      // Two of these in a row would become another character.
      if scalar == last, "-'`,<>!?".unicodeScalars.contains(scalar) { result += "{}" }
      if scalar == "`", last == "!" || last == "?" { result += "{}" }
      if let replaced = latexReplacements[scalar] {
        result += replaced
      } else {
        result.unicodeScalars.append(scalar)
      }
      last = scalar
    }
    return result
  }

  private static let latexReplacements: [Unicode.Scalar: String] = [
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#",
    "%": "\\%", "_": "\\_", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}",
    "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
    // After the end of a row these would be its options; quotes may be short forms of babel.
    "[": "{[}", "]": "{]}", "*": "{*}", "\"": "\\symbol{34}", "`": "\\textasciigrave{}",
    "–": "--", "—": "---", "±": "$\\pm$", "↓": "$\\downarrow$", "≥": "$\\geq$", "≤": "$\\leq$",
    "≈": "$\\approx$", "×": "$\\times$", "−": "$-$", "∞": "$\\infty$",
  ]
}
