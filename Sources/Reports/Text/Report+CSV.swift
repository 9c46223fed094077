import Records

extension Report {
  /// All figures, one row per task, model and part of the test data, in the form of RFC 4180.
  ///
  /// The part is `all`, `segment` (one per test segment) or `slice` (one per band of a slice).
  ///
  /// - Parameter timings: Whether to add the throughput, which differs between runs.
  /// - Returns: The text; its lines end in CR and LF.
  public func csv(timings: Bool = false) -> String {
    var headings = [
      "task", "model", "part", "name", "from", "to", "metric", "chance", "mean", "median", "best",
      "lower", "upper", "scaled", "finished", "diverged", "failed", "chosen", "candidates",
      "validation", "tokenAccuracy", "exampleAccuracy", "sequenceAccuracy", "loss", "parameters",
      "stateBytes",
    ]
    if timings { headings.append("tokensPerSecond") }
    let rows = tasks.flatMap { task in
      task.results.flatMap { CSVRows(task: task, result: $0, timings: timings).all }
    }
    return ([headings] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }
}

/// The rows of one model on one task.
private struct CSVRows {
  let task: TaskReport
  let result: ModelResult
  let timings: Bool

  var all: [[String]] {
    let whole = row(["all", "", "", ""], result.score, chance: task.chance, isWhole: true)
    let segments = zip(task.segments, result.segments).map { segment, score in
      row(["segment", Escaping.csv(segment.name), "", ""], score, chance: segment.chance)
    }
    let slices = zip(task.bands, result.bands).compactMap { band, score in
      score.map {
        let place = [
          "slice", Escaping.csv(band.slice), String(band.band.from), String(band.band.to),
        ]
        return row(place, $0, chance: band.chance)
      }
    }
    return [whole] + (task.segments.count > 1 ? segments : []) + slices
  }

  private func row(
    _ part: [String], _ score: Statistic?, chance: Double, isWhole: Bool = false
  ) -> [String] {
    let scaled = score.flatMap { chance < 1 ? ($0.mean - chance) / (1 - chance) : nil }
    let chosen = result.chosen.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    let scores = isWhole ? result.scores : nil
    var fields = [Escaping.csv(task.name), Escaping.csv(result.model)]
    fields += part
    fields += [Escaping.csv(task.metric), number(chance)]
    fields += [score?.mean, score?.median, score?.best, score?.lower, score?.upper, scaled].map(
      number)
    fields += [result.finished, result.diverged, result.failed].map(String.init)
    fields += [Escaping.csv(chosen), String(result.candidates), number(result.validation?.mean)]
    fields += [
      scores?.tokenAccuracy, scores?.exampleAccuracy, scores?.sequenceAccuracy, scores?.loss,
    ].map(number)
    fields += [result.parameters, result.stateBytes].map { $0.map(String.init) ?? "" }
    if timings { fields.append(number(isWhole ? result.tokensPerSecond : nil)) }
    return fields
  }

  /// The number with all its digits; nothing for one that is missing or not finite.
  private func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return "\(value)"
  }
}
