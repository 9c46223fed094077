import Configuration
import Records

extension TaskReport {
  /// Everything that is known of each model on the task.
  ///
  /// The first rows are the chance line and the baselines.
  func details(throughput: Bool) -> TextTable {
    let tuned = tunedNames
    let showsRate = throughput && results.contains { $0.tokensPerSecond != nil }
    var table = TextTable(
      [.init("model", .left), .init(metricHeading(metric)), .init("scaled")]
        + furtherMetrics.map { .init(metricHeading($0)) }
        + ((gaps ?? []) + (reaches ?? [])).map { .init($0) }
        + [.init("median"), .init("best"), .init("validation"), .init("seeds")]
        + tuned.map { .init($0) }
        + [.init("parameters"), .init("state"), .init("eigenvalues", .left)]
        + (showsRate ? [.init("tokens/s"), .init("time")] : []))
    let chances = (further ?? []).map(\.chance)
    table.add(reference("chance", chance, chances, columns: table.columns.count))
    for baseline in baselines {
      let others = furtherMetrics.map { baseline.scores?.value($0) }
      table.add(reference(baseline.name, baseline.value, others, columns: table.columns.count))
    }
    if let oracle {
      let others = furtherMetrics.map { Metric(rawValue: $0)?.perfect }
      table.add(reference("oracle", oracle, others, columns: table.columns.count))
    }
    let best = supportedBest
    for result in results {
      var row = scoreCells(result, isBest: result.model == best)
      row += tuned.map { name in
        let setting = result.chosen.first { $0.name == name }
        return .init(setting.map { NumberText.setting($0.value) } ?? "–")
      }
      row += [
        .init(result.parameters.map(NumberText.count) ?? "–"),
        .init(result.stateBytes.map(NumberText.bytes) ?? "–"), .init(result.eigenvalues ?? "–"),
      ]
      if showsRate {
        row.append(.init(result.tokensPerSecond.map(NumberText.rate) ?? "–"))
        row.append(.init(result.wallSeconds.map(NumberText.duration) ?? "–"))
      }
      table.add(row)
    }
    return table
  }

  private var furtherMetrics: [String] { (further ?? []).map(\.metric) }

  /// The row of a chance line or a baseline, with its scores by the further metrics.
  private func reference(
    _ name: String, _ value: Double, _ others: [Double?], columns: Int
  ) -> [TextTable.Cell] {
    var row: [TextTable.Cell] = [
      .init(name, .faint), .init(NumberText.score(value), .faint), "",
    ]
    row += others.map { .init($0.map { NumberText.score($0) } ?? "", .faint) }
    return row + [TextTable.Cell](repeating: "", count: columns - row.count)
  }

  private func scoreCells(_ result: ModelResult, isBest: Bool) -> [TextTable.Cell] {
    var row: [TextTable.Cell] = [
      .init(result.model), .init(NumberText.score(result.score), isBest ? .strong : .plain),
      .init(NumberText.score(result.scaled)),
    ]
    row += (result.further ?? []).map { .init(NumberText.score($0)) }
    row += (result.gaps ?? []).map { .init(NumberText.score($0)) }
    row += (result.reaches ?? []).map { .init($0.map(NumberText.count) ?? "–") }
    row += [
      .init(NumberText.score(result.score?.median)), .init(NumberText.score(result.score?.best)),
      .init(NumberText.score(result.validation?.mean)), .init(result.seeds),
    ]
    return row
  }

  private var tunedNames: [String] {
    var names: [String] = []
    for setting in results.flatMap(\.chosen) where !names.contains(setting.name) {
      names.append(setting.name)
    }
    return names
  }

  /// The mean scores of a model by two slices at once.
  func grid(_ place: Int, of result: ModelResult) -> TextTable? {
    guard let axes = grids?[place], let scores = result.grids?[place] else { return nil }
    var table = TextTable(
      [.init("\(axes.rows) \\ \(axes.columns)", .left)]
        + axes.columnBands.map { .init($0.text) })
    for (band, row) in zip(axes.rowBands, scores) {
      table.add([.init(band.text)] + row.map { .init(NumberText.score($0)) })
    }
    return table
  }
}

extension ModelResult {
  /// The number of seeds behind the score and how the others ended: "3", "2 (1 diverged)", "1 (trained
  /// elsewhere)".
  var seeds: String {
    let total = finished + diverged
    var remarks: [String] = []
    if diverged > 0 { remarks.append("\(diverged) diverged") }
    if failed > 0 { remarks.append("\(failed) failed") }
    if isExternal == true { remarks.append("trained elsewhere") }
    return remarks.isEmpty ? "\(total)" : "\(total) (\(remarks.joined(separator: ", ")))"
  }
}
