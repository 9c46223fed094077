import Records

extension Comparison {
  /// The tables for a terminal, without a newline at the end.
  public func terminalText(width: Int, colour: Bool) -> String {
    if tasks.isEmpty { return "no results" }
    let tables = sections.map { section in
      let heading = section.heading.map { Escaping.line($0) + "\n\n" } ?? ""
      return heading + section.table.text(width: width, colour: colour)
    }
    return (tables + [legend.joined(separator: "\n")]).joined(separator: "\n")
  }

  /// The tables in Markdown.
  public func markdown() -> String {
    let title = "# \(Escaping.markdown(title))\n"
    if tasks.isEmpty { return title + "\nThere are no results.\n" }
    let tables = sections.map { section in
      let heading = section.heading.map { "## \(Escaping.markdown($0))\n\n" } ?? ""
      return heading + section.table.markdown()
    }
    let legend = legend.map { Escaping.markdown($0) }.joined(separator: "\n\n")
    return ([title] + tables + [legend + "\n"]).joined(separator: "\n")
  }

  /// The tables in LaTeX.
  public func latex() -> String {
    var labels = LaTeXLabels()
    let preamble =
      (["% \(Escaping.line(title))", "% Needs \\usepackage{booktabs}."]
      + (tasks.isEmpty ? ["% There are no results."] : []))
      .joined(separator: "\n") + "\n"
    let tables = tasks.isEmpty ? [] : sections
    return
      ([preamble]
      + tables.map { section in
        let caption = section.heading ?? title
        return section.table.latex(
          caption: caption + ". " + legend.joined(separator: ". "), label: labels.label(caption))
      }).joined(separator: "\n")
  }

  private var title: String { "Comparison of " + stores.joined(separator: ", ") }

  /// What was found besides the results: one line for each, without a newline.
  public var remarks: [String] {
    var lines: [String] = []
    if duplicates > 0 {
      let cells = duplicates == 1 ? "1 cell is" : "\(duplicates) cells are"
      let remark = axis == .store ? "" : "; each counts once"
      lines.append("\(cells) in several stores with the same result" + remark)
    }
    if let first = conflicts.first, axis != .store {
      let cells = conflicts.count == 1 ? "1 cell has" : "\(conflicts.count) cells have"
      lines.append(
        Escaping.line(
          "\(cells) different results in several stores, such as \(first.key) ("
            + "\(first.model) on \(first.task)); that of '\(first.used)' is shown, that of "
            + "'\(first.other)' is not ('--by store' shows both)"))
    } else if !conflicts.isEmpty {
      let cells = conflicts.count == 1 ? "1 cell has" : "\(conflicts.count) cells have"
      lines.append("\(cells) the same configuration and different results")
    }
    return lines
  }
}
