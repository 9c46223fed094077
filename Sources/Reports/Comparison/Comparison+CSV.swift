extension Comparison {
  /// All figures, one row per task and model (and store, where those are compared), in the form of
  /// RFC 4180; the lines that are no models have the kinds `chance`, `baseline` and `oracle`.
  public func csv() -> String {
    let columns = [
      "task", "kind", "model", "architecture", "stores", "metric", "selection", "mean", "median",
      "best", "lower", "upper", "reference", "difference", "differenceLower", "differenceUpper",
      "pairs", "supported", "finished", "diverged", "failed", "chosen", "candidates", "parameters",
      "stateBytes", "flopsPerToken", "tokensPerSecond", "wallSeconds",
    ]
    let rows = tasks.flatMap { task in
      (lines(task) + task.rows.map { fields($0, task) }).map { fields in
        columns.map { fields[$0] ?? "" }
      }
    }
    return ([columns] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  private func lines(_ task: Task) -> [[String: String]] {
    func line(_ kind: String, _ name: String, _ value: Double?) -> [String: String]? {
      guard let value else { return nil }
      return [
        "task": Escaping.csv(task.name), "kind": kind, "model": Escaping.csv(name),
        "metric": Escaping.csv(task.metric), "mean": NumberText.exact(value),
      ]
    }
    let baselines = task.baselines.map { line("baseline", $0.name, $0.value) }
    return
      ([line("chance", "chance", task.chance)] + baselines
      + [line("oracle", "oracle", task.oracle)]).compactMap(\.self)
  }

  private func fields(_ row: Row, _ task: Task) -> [String: String] {
    let chosen = row.chosen.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    var fields = [
      "task": task.name, "model": row.model, "architecture": row.architecture,
      "stores": row.stores.joined(separator: " "), "metric": task.metric, "chosen": chosen,
      "reference": row.difference?.reference ?? "",
    ].mapValues(Escaping.csv)
    let score = row.score
    let difference = row.difference?.statistic
    let numbers: [String: Double?] = [
      "mean": score?.mean, "median": score?.median, "best": score?.best, "lower": score?.lower,
      "upper": score?.upper, "difference": difference?.mean, "differenceLower": difference?.lower,
      "differenceUpper": difference?.upper, "flopsPerToken": row.flopsPerToken,
      "tokensPerSecond": row.tokensPerSecond, "wallSeconds": row.wallSeconds,
    ]
    for (column, value) in numbers { fields[column] = NumberText.exact(value) }
    let counts: [String: Int?] = [
      "pairs": row.difference?.seedNumbers.count, "finished": row.finished,
      "diverged": row.diverged, "failed": row.failed, "candidates": row.candidates,
      "parameters": row.parameters, "stateBytes": row.stateBytes,
    ]
    for (column, value) in counts { fields[column] = value.map(String.init) ?? "" }
    fields["kind"] = "model"
    fields["selection"] = selection.rawValue
    fields["supported"] = row.difference.map { $0.isSupported ? "yes" : "no" } ?? ""
    return fields
  }
}
