import Records

extension Report {
  /// The scores of all models (rows) on all tasks (columns).
  ///
  /// The first rows are the chance line and the baselines. A score is strong where the seeds
  /// support that it is the task's best.
  func overview(throughput: Bool) -> TextTable {
    let showsRate =
      throughput && tasks.contains { $0.results.contains { $0.tokensPerSecond != nil } }
    var table = TextTable(
      [.init("model", .left)] + tasks.map { .init($0.name) }
        + (showsRate ? [.init("tokens/s")] : []))
    let rest: [TextTable.Cell] = showsRate ? [""] : []
    table.add(
      [.init("chance", .faint)] + tasks.map { .init(NumberText.score($0.chance), .faint) } + rest)
    for name in baselineNames {
      table.add(
        [.init(name, .faint)]
          + tasks.map { task in
            let value = task.baselines.first { $0.name == name }?.value
            return .init(value == nil ? "" : NumberText.score(value), .faint)
          } + rest)
    }
    for model in models {
      let rate = showsRate ? [TextTable.Cell(self.rate(of: model))] : []
      table.add([.init(model)] + tasks.map { $0.cell(of: model) } + rate)
    }
    return table
  }

  private var baselineNames: [String] {
    var names: [String] = []
    for baseline in tasks.flatMap(\.baselines) where !names.contains(baseline.name) {
      names.append(baseline.name)
    }
    return names
  }

  /// The median throughput over tasks.
  private func rate(of model: String) -> String {
    let rates = tasks.compactMap { $0.result(of: model)?.tokensPerSecond }.sorted()
    return rates.isEmpty ? "–" : NumberText.rate(rates[rates.count / 2])
  }
}

extension TaskReport {
  func result(of model: String) -> ModelResult? { results.first { $0.model == model } }

  fileprivate func cell(of model: String) -> TextTable.Cell {
    guard let result = result(of: model), result.score != nil else { return "–" }
    return .init(NumberText.score(result.score), supportedBest == model ? .strong : .plain)
  }

  /// The model whose interval lies above those of all others; nil where the seeds do not support
  /// that one model is best.
  var supportedBest: String? {
    let scored = results.filter { $0.score != nil }
    guard scored.count > 1,
      let best = scored.max(by: { $0.score?.mean ?? 0 < $1.score?.mean ?? 0 }),
      let lower = best.score?.lower
    else { return nil }
    let others = scored.filter { $0.model != best.model }
    let isSupported = others.allSatisfy { other in
      other.score?.upper.map { $0 < lower } ?? false
    }
    return isSupported ? best.model : nil
  }

  /// Everything that is known of each model on the task.
  func details(throughput: Bool) -> TextTable {
    let tuned = tunedNames
    let showsRate = throughput && results.contains { $0.tokensPerSecond != nil }
    var table = TextTable(
      [.init("model", .left), .init(metric), .init("scaled"), .init("median"), .init("best")]
        + [.init("validation"), .init("seeds")] + tuned.map { .init($0) }
        + [.init("parameters"), .init("state"), .init("eigenvalues", .left)]
        + (showsRate ? [.init("tokens/s")] : []))
    for (name, value) in [("chance", chance)] + baselines.map({ ($0.name, $0.value) }) {
      let rest = [TextTable.Cell](repeating: "", count: table.columns.count - 2)
      table.add([.init(name, .faint), .init(NumberText.score(value), .faint)] + rest)
    }
    let best = supportedBest
    for result in results {
      let style: TextTable.Style = result.model == best ? .strong : .plain
      var row: [TextTable.Cell] = [
        .init(result.model), .init(NumberText.score(result.score), style),
        .init(NumberText.score(result.scaled)), .init(NumberText.score(result.score?.median)),
        .init(NumberText.score(result.score?.best)),
        .init(NumberText.score(result.validation?.mean)), .init(result.seeds),
      ]
      row += tuned.map { name in
        let setting = result.chosen.first { $0.name == name }
        return .init(setting.map { NumberText.setting($0.value) } ?? "–")
      }
      row += [
        .init(result.parameters.map(NumberText.count) ?? "–"),
        .init(result.stateBytes.map(NumberText.bytes) ?? "–"), .init(result.eigenvalues ?? "–"),
      ]
      if showsRate { row.append(.init(result.tokensPerSecond.map(NumberText.rate) ?? "–")) }
      table.add(row)
    }
    return table
  }

  private var tunedNames: [String] {
    var names: [String] = []
    for setting in results.flatMap(\.chosen) where !names.contains(setting.name) {
      names.append(setting.name)
    }
    return names
  }

  /// The names of the slices with more than one band.
  var sliceNames: [String] {
    var counts: [String: Int] = [:]
    for band in bands { counts[band.slice, default: 0] += 1 }
    let names = counts.filter { $0.value > 1 }.keys.sorted()
    return names.filter { $0 == "length" } + names.filter { $0 != "length" }
  }

  /// The scores of each model (rows) in each band of a slice (columns).
  func slices(_ name: String) -> TextTable {
    let places = bands.indices.filter { bands[$0].slice == name }
    var table = TextTable(
      [.init("model \\ \(name)", .left)] + places.map { .init(bands[$0].band.text) })
    table.add(
      [.init("chance", .faint)]
        + places.map { .init(NumberText.score(bands[$0].chance), .faint) })
    for result in results {
      table.add([.init(result.model)] + places.map { .init(NumberText.score(result.bands[$0])) })
    }
    return table
  }
}

extension ModelResult {
  /// The number of seeds behind the score and how the others ended: "3", "2 (1 diverged)".
  var seeds: String {
    let total = finished + diverged
    var remarks: [String] = []
    if diverged > 0 { remarks.append("\(diverged) diverged") }
    if failed > 0 { remarks.append("\(failed) failed") }
    return remarks.isEmpty ? "\(total)" : "\(total) (\(remarks.joined(separator: ", ")))"
  }
}
