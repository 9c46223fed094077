extension Report {
  /// The times of each row's chosen setting, medians over seeds, in the form of RFC 4180; nil
  /// where there are none.
  ///
  /// They stand apart from `summary.csv`, because they differ between runs of the same cells.
  public func timingsCSV() -> String? {
    var lines = [["task", "model", "seeds", "tokensPerSecond", "wallSeconds"]]
    for task in tasks {
      for result in task.results {
        guard let rate = result.tokensPerSecond, let seconds = result.wallSeconds else { continue }
        lines.append([
          Escaping.csv(task.name), Escaping.csv(result.model), String(result.seedNumbers.count),
          NumberText.exact(rate), NumberText.exact(seconds),
        ])
      }
    }
    guard lines.count > 1 else { return nil }
    return lines.map { $0.joined(separator: ",") + "\r\n" }.joined()
  }
}
