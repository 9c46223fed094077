import Configuration

extension TaskReport {
  /// How easily each model learns the task; nil where that is not known of any.
  var learnabilityTable: TextTable? {
    let known = results.compactMap { result in result.learnability.map { (result, $0) } }
    guard !known.isEmpty else { return nil }
    let showsWindow = known.contains { $0.1.rates != nil }
    let showsOperations = known.contains { $0.0.flopsPerToken != nil }
    let threshold = known.lazy.compactMap(\.1.threshold).first
    var table = TextTable([.init("model", .left)])
    if showsWindow {
      table.columns += [.init("learning rates within 0.05"), .init("decades")]
    }
    if let threshold {
      table.columns += [.init("seeds solved"), .init("steps to \(NumberText.short(threshold))")]
    }
    if showsOperations {
      table.columns += [.init("FLOPs per token"), .init("FLOPs of training")]
    }
    guard table.columns.count > 1 else { return nil }
    for (result, learnability) in known {
      var row = [TextTable.Cell(result.model)]
      if showsWindow {
        row += [.init(learnability.window?.ends ?? "–"), .init(learnability.window?.width ?? "–")]
      }
      if threshold != nil {
        row.append(.init("\(learnability.solved) of \(learnability.seeds)"))
        row.append(.init(learnability.steps.map(NumberText.short) ?? "–"))
      }
      if showsOperations {
        row += [result.flopsPerToken, result.trainingFLOPs].map {
          .init($0.map(NumberText.rate) ?? "–")
        }
      }
      table.add(row)
    }
    return table
  }
}

extension Learnability.Window {
  /// The lowest and the highest rate.
  var ends: String {
    let ends = (NumberText.short(lowest), NumberText.short(highest))
    return rates == 1 ? ends.0 : "\(ends.0)–\(ends.1)"
  }

  /// The width in decades, with a sign where it may be more.
  var width: String { (isLowerBound ? "≥ " : "") + NumberText.fixed(decades, 2) }
}
