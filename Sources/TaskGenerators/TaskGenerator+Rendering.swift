extension TaskGenerator {
  /// A drawing of an example for a terminal: position, token, role and target, column by column.
  ///
  /// Scored positions have a star in front of the target, others a dot. It uses no colours.
  ///
  /// - Parameters:
  ///   - example: One of this task's.
  ///   - width: The greatest number of characters of a line of columns; one always fits.
  /// - Returns: The lines, each with its line end.
  public func render(_ example: Example, width: Int = 80) -> String {
    let rows = drawingRows(of: example)
    let title = rows.map(\.title.count).max() ?? 0
    let cell = 1 + (rows.flatMap(\.cells).map(\.count).max() ?? 0)
    let perLine = max(1, (width - title) / cell)
    var lines = [heading(of: example), "* is scored: read from the output at its position"]
    for start in stride(from: 0, to: example.tokens.count, by: perLine) {
      lines.append("")
      for row in rows {
        let cells = row.cells[start..<min(start + perLine, row.cells.count)]
        lines.append(
          row.title + padding(to: title, from: row.title)
            + cells.map { padding(to: cell, from: $0) + $0 }.joined())
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The example as one line of JSON.
  ///
  /// `{"tokens":[…],"targets":[…],"slices":{…}}`, where `targets` has one entry per token, null
  /// where nothing is scored, and `slices` are in the task's order.
  public func json(_ example: Example) -> String {
    let targets = targetTexts(of: example, unscored: "null") { String($0) }
    let slices = zip(Self.info.slices, example.slices).map { quoted($0) + ":\($1)" }
    return "{\"tokens\":[" + example.tokens.map(String.init).joined(separator: ",")
      + "],\"targets\":[" + targets.joined(separator: ",")
      + "],\"slices\":{" + slices.joined(separator: ",") + "}}"
  }

  private func drawingRows(of example: Example) -> [(title: String, cells: [String])] {
    let roles = zip(describe(example), example.tokens).map { text, token in
      text.hasSuffix(" \(token)") ? String(text.dropLast("\(token)".count + 1)) : text
    }
    return [
      ("position", example.tokens.indices.map(String.init)),
      ("token", example.tokens.map(String.init)),
      ("role", roles),
      ("target", targetTexts(of: example, unscored: ".") { "*\($0)" }),
    ]
  }

  private func heading(of example: Example) -> String {
    var parts = zip(Self.info.slices, example.slices).map { "\($0) \($1)" }
    if example.questionStart > 0 { parts.append("questions from \(example.questionStart)") }
    return "\(Self.info.name): " + parts.joined(separator: ", ")
  }

  /// One text per token: that of its target, or the one for positions that are not scored.
  private func targetTexts(
    of example: Example, unscored: String, scored: (Int32) -> String
  ) -> [String] {
    var texts = [String](repeating: unscored, count: example.tokens.count)
    for target in example.targets { texts[Int(target.position)] = scored(target.token) }
    return texts
  }
}

private func padding(to width: Int, from text: String) -> String {
  String(repeating: " ", count: max(0, width - text.count))
}

/// A text as a JSON string; names are programmers' identifiers, but an outside task's may be any.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\" + String(scalar)
    case "\u{0}"..<" ":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
