extension TextTable {
  /// The table in LaTeX, with the rules of the package booktabs and a newline at the end.
  ///
  /// - Parameters:
  ///   - caption: The caption; every character of it stands for itself.
  ///   - label: What follows "tab:" in the label; made of lower-case letters, digits and hyphens.
  /// - Returns: A `table` environment.
  public func latex(caption: String, label: String) -> String {
    let alignments = columns.map { $0.alignment == .left ? "l" : "r" }.joined()
    let references = rows.prefix { $0.first?.style == .faint }.count
    var lines = [
      "\\begin{table}", "  \\centering", "  \\caption{\(Escaping.latex(caption))}",
      "  \\label{tab:\(label)}", "  \\begin{tabular}{\(alignments)}", "    \\toprule",
      line(columns.map { Escaping.latex($0.heading) }), "    \\midrule",
    ]
    for (place, row) in rows.enumerated() {
      // The lines that are no models stand apart.
      if place == references, place > 0 { lines.append("    \\midrule") }
      lines.append(line(row.map(Self.latex)))
    }
    lines += ["    \\bottomrule", "  \\end{tabular}", "\\end{table}"]
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ cells: [String]) -> String {
    "    " + cells.joined(separator: " & ") + " \\\\"
  }

  private static func latex(_ cell: Cell) -> String {
    let text = Escaping.latex(cell.text)
    if text.isEmpty { return text }
    switch cell.style {
    case .plain: return text
    case .strong: return "\\textbf{\(text)}"
    case .faint: return "\\textit{\(text)}"
    }
  }
}

/// Labels of LaTeX: no two are the same, and none has a character with a meaning.
struct LaTeXLabels {
  private var used: Set<String> = []

  mutating func label(_ text: String) -> String {
    var words: [String] = [""]
    for scalar in text.lowercased().unicodeScalars {
      switch scalar {
      case "a"..."z", "0"..."9": words[words.count - 1].unicodeScalars.append(scalar)
      default: words.append("")
      }
    }
    let name = words.filter { !$0.isEmpty }.joined(separator: "-")
    let base = name.isEmpty ? "table" : name
    var label = base
    var copies = 1
    while !used.insert(label).inserted {
      copies += 1
      label = "\(base)-\(copies)"
    }
    return label
  }
}
