/// The rows of comma-separated values (RFC 4180) with the numbers of their lines.
struct CSVReader {
  struct Row {
    let line: Int
    var fields: [String]
  }

  private(set) var rows: [Row] = []
  /// The line of a row with a quote that nothing closes, and which so has all that follows.
  private(set) var unclosedLine: Int?

  init(_ text: String) {
    var fields: [String] = []
    var field = ""
    var line = 1
    var start = 1
    var isQuoted = false
    var wasQuote = false
    func isBlank() -> Bool { fields.isEmpty && field.isEmpty }
    func end() -> Row { Row(line: start, fields: fields + [field]) }
    for character in text {
      if character == "\"" {
        // Two of them inside of a field are one.
        if isQuoted, wasQuote { field.append("\"") }
        if isQuoted { wasQuote.toggle() } else if field.isEmpty { isQuoted = true }
        continue
      }
      if isQuoted, wasQuote { (isQuoted, wasQuote) = (false, false) }
      if character.isNewline { line += 1 }
      if isQuoted {
        field.append(character)
      } else if character == "," {
        fields.append(field)
        field = ""
      } else if character.isNewline {
        if !isBlank() { rows.append(end()) }
        (fields, field, start) = ([], "", line)
      } else {
        field.append(character)
      }
    }
    if isQuoted, !wasQuote { unclosedLine = start }
    if !isBlank() { rows.append(end()) }
  }
}
