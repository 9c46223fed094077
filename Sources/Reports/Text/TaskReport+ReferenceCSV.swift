import Configuration
import Records

extension TaskReport {
  /// The rows of the exact solver and the baselines, which have values in few columns.
  func referenceRows(columns: [String], _ selection: Selection) -> [[String]] {
    func row(
      _ name: String, _ part: [String], _ score: Statistic?, chance: Double,
      scores: Scores? = nil
    ) -> [String]? {
      guard let score else { return nil }
      var fields = ["task": Escaping.csv(self.name), "model": Escaping.csv(name)]
      for (column, field) in zip(["part", "name", "from", "to"], part) { fields[column] = field }
      fields["metric"] = Escaping.csv(metric)
      fields["selection"] = selection.rawValue
      let scaled = scaledScore(score.mean, chance: chance, metric)
      let numbers = [
        "chance": chance, "mean": score.mean, "median": score.median, "best": score.best,
        "lower": score.lower, "upper": score.upper, "scaled": scaled,
      ]
      for (column, value) in numbers { fields[column] = NumberText.exact(value) }
      for metric in Metric.allCases {
        fields[metric.rawValue] = NumberText.exact(scores?.value(metric))
      }
      return columns.map { fields[$0] ?? "" }
    }
    let solver = [
      row("oracle", ["oracle", "", "", ""], oracle.flatMap { Statistic([$0]) }, chance: chance)
    ].compactMap(\.self)
    let whole = baselines.enumerated().compactMap { place, baseline in
      row(
        baseline.name, ["baseline", "", "", ""],
        baselineScores?[place] ?? Statistic([baseline.value]), chance: chance,
        scores: baseline.scores)
    }
    let parts = (baselineParts ?? []).flatMap { baseline in
      let segments = zip(self.segments, baseline.segments).compactMap { segment, value in
        row(
          baseline.name, ["baseline-segment", Escaping.csv(segment.name), "", ""],
          value.flatMap { Statistic([$0]) }, chance: segment.chance)
      }
      let slices = zip(bands, baseline.bands).compactMap { band, value in
        let place = [Escaping.csv(band.slice), String(band.band.from), String(band.band.to)]
        return row(
          baseline.name, ["baseline-slice"] + place, value.flatMap { Statistic([$0]) },
          chance: band.chance)
      }
      return (self.segments.count > 1 ? segments : []) + slices
    }
    return solver + whole + parts
  }
}
