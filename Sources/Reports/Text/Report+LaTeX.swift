extension Report {
  /// All tables in LaTeX, to be taken into a paper with `\input`.
  public func latex() -> String {
    var labels = LaTeXLabels()
    func table(_ table: TextTable, _ caption: String, label: String) -> String {
      let warned = [caption, selection.warning].compactMap(\.self).joined(separator: ". ")
      return table.latex(caption: warned, label: labels.label(label))
    }
    var parts = [preamble]
    if !tasks.isEmpty {
      parts.append(
        table(
          overview(throughput: false),
          "\(name): mean test score over seeds with half of its 95% bootstrap interval",
          label: name))
    }
    for task in tasks {
      for section in task.sections {
        let caption = [task.name, section.heading].compactMap(\.self).joined(separator: ", ")
        parts.append(table(section.table, caption, label: caption))
      }
    }
    return parts.joined(separator: "\n")
  }

  private var preamble: String {
    var lines = [
      "% \(Escaping.line(name))", "% Needs \\usepackage{booktabs}.",
      "% Letters that pdfLaTeX does not know need LuaLaTeX or XeLaTeX and a font that has them.",
    ]
    if let warning = selection.warning { lines.append("% \(warning)") }
    if tasks.isEmpty { lines.append("% There are no results.") }
    return lines.joined(separator: "\n") + "\n"
  }
}
