import Records

extension Report {
  /// The results for a terminal: one table of all tasks, or all columns of a single task, and
  /// what is missing.
  ///
  /// - Parameters:
  ///   - width: The characters of a line.
  ///   - colour: Whether to use ANSI colours.
  /// - Returns: Lines of text, without a newline at the end.
  public func terminalTable(width: Int, colour: Bool) -> String {
    if tasks.isEmpty { return (["no results"] + remarks).joined(separator: "\n") }
    let table = tasks.count == 1 ? tasks[0].details(throughput: true) : overview(throughput: true)
    let title = tasks.count == 1 ? Escaping.line(tasks[0].name) + "\n\n" : ""
    let warning = selection.warning.map { $0 + "\n\n" } ?? ""
    let text = warning + title + table.text(width: width, colour: colour)
    return ([String(text.dropLast())] + (remarks.isEmpty ? [] : [""]) + remarks)
      .joined(separator: "\n")
  }

  /// One line for each kind of cell without a result.
  private var remarks: [String] {
    let missing = gaps.reduce(0) { $0 + $1.missing }
    let diverged = unfinished.filter { $0.status == .diverged }.count
    let failed = unfinished.filter { $0.status == .failed }.count
    var lines: [String] = []
    if diverged > 0 { lines.append("\(cells(diverged)) diverged (counted as a guess)") }
    if failed > 0 { lines.append("\(cells(failed)) failed (not counted)") }
    if !external.isEmpty {
      lines.append("trained elsewhere: " + external.map(Escaping.line).joined(separator: ", "))
    }
    if missing > 0 { lines.append("\(cells(missing)) missing") }
    return lines
  }

  private func cells(_ count: Int) -> String { count == 1 ? "1 cell" : "\(count) cells" }
}
