import Configuration
import Records

extension Report {
  /// All figures, one row per task, model and part of the test data, in the form of RFC 4180.
  ///
  /// The part is `all`, `segment` (one per test segment), `slice` (one per band of a slice), `gap`
  /// (the difference of two bands), `reach` (up to where a score is reached), `grid` (one per row
  /// and column of two slices; from and to are the row's) or `metric` (one per metric beside the
  /// headline). The row of the task's exact solver has the part `oracle`; those of baselines have
  /// the parts `baseline`, `baseline-segment` and `baseline-slice`, and their names as models.
  ///
  /// - Returns: The text; its lines end in CR and LF.
  public func csv() -> String {
    var headings = [
      "task", "model", "part", "name", "from", "to", "metric", "chance", "mean", "median", "best",
      "lower", "upper", "scaled", "finished", "diverged", "failed", "chosen", "candidates",
      "selection", "validation", "tokenAccuracy", "exampleAccuracy", "sequenceAccuracy", "loss",
      "parameters",
      "stateBytes",
    ]
    headings += Self.learnabilityColumns
    let further = furtherMetrics
    headings += further.map(\.rawValue)
    let rows = tasks.flatMap { task in
      task.referenceRows(columns: headings, selection)
        + task.results.flatMap {
          CSVRows(
            task: task, result: $0, further: further, selection: selection
          ).all
        }
    }
    return ([headings] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }
}

/// The rows of one model on one task.
private struct CSVRows {
  let task: TaskReport
  let result: ModelResult
  let further: [Metric]
  let selection: Selection

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
    return [whole] + furtherRows + (task.segments.count > 1 ? segments : []) + slices + breakdowns
  }

  /// The metrics beside the headline, with their own chance lines.
  private var furtherRows: [[String]] {
    zip(task.further ?? [], result.further ?? []).map { further, score in
      row(["metric", "", "", ""], score, chance: further.chance, metric: further.metric)
    }
  }

  private var breakdowns: [[String]] {
    let gaps = zip(task.gaps ?? [], result.gaps ?? []).compactMap { name, gap in
      gap.map { row(["gap", Escaping.csv(name), "", ""], $0, chance: nil) }
    }
    let reaches = zip(task.reaches ?? [], result.reaches ?? []).compactMap { name, reach in
      reach.map {
        row(["reach", Escaping.csv(name), "", ""], Statistic([Double($0)]), chance: nil)
      }
    }
    let cells = zip(task.grids ?? [], result.grids ?? []).flatMap { axes, scores in
      zip(axes.rowBands, scores).flatMap { band, row in
        zip(axes.columnBands, row).compactMap { column, score in
          score.map { gridRow(axes, band, column, $0) }
        }
      }
    }
    return gaps + reaches + cells
  }

  private func gridRow(
    _ axes: GridAxes, _ row: Span, _ column: Span, _ score: Double
  ) -> [String] {
    let name = "\(axes.rows) at \(axes.columns) \(column.text)"
    return self.row(
      ["grid", Escaping.csv(name), String(row.from), String(row.to)], Statistic([score]),
      chance: nil)
  }

  /// The fields of the columns of learnability.
  private var learnability: [String] {
    let learnability = result.learnability
    let window = learnability?.window
    return [
      number(result.flopsPerToken), number(result.trainingTokens), number(window?.lowest),
      number(window?.highest), number(window?.decades), window.map { "\($0.isLowerBound)" } ?? "",
      number(learnability?.threshold), learnability.map { String($0.solved) } ?? "",
      number(learnability?.solvedShare), learnability.map { String($0.reached) } ?? "",
      number(learnability?.steps),
    ]
  }

  private func row(
    _ part: [String], _ score: Statistic?, chance: Double?, metric: String? = nil,
    isWhole: Bool = false
  ) -> [String] {
    let metric = metric ?? task.metric
    let scaled = score.flatMap { score in
      chance.flatMap { scaledScore(score.mean, chance: $0, metric) }
    }
    let chosen = result.chosen.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    let scores = isWhole ? result.scores : nil
    var fields = [Escaping.csv(task.name), Escaping.csv(result.model)]
    fields += part
    fields += [Escaping.csv(metric), number(chance)]
    fields += [score?.mean, score?.median, score?.best, score?.lower, score?.upper, scaled].map(
      number)
    fields += [result.finished, result.diverged, result.failed].map(String.init)
    fields += [Escaping.csv(chosen), String(result.candidates), selection.rawValue]
    fields.append(number(result.validation?.mean))
    fields += [
      scores?.tokenAccuracy, scores?.exampleAccuracy, scores?.sequenceAccuracy, scores?.loss,
    ].map(number)
    fields += [result.parameters, result.stateBytes].map { $0.map(String.init) ?? "" }
    fields += isWhole ? learnability : Report.learnabilityColumns.map { _ in "" }
    fields += further.map { number(scores?.value($0)) }
    return fields
  }
}

private func number(_ value: Double?) -> String { NumberText.exact(value) }

extension Report {
  fileprivate static let learnabilityColumns = [
    "flopsPerToken", "trainingTokens", "windowLowest", "windowHighest", "windowDecades",
    "windowIsLowerBound", "threshold", "solved", "solvedShare", "reached", "stepsToThreshold",
  ]

  /// The metrics that have a column only where a task has them.
  fileprivate var furtherMetrics: [Metric] {
    [.answerAccuracy, .grammarAccuracy, .totalVariation].filter { metric in
      tasks.contains { $0.results.contains { $0.scores?.value(metric) != nil } }
    }
  }
}
