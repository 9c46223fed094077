import ArgumentParser
import Configuration
import Platform
import Records
import Reports

/// One table across stores.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compare models, architectures, tasks or stores.",
    discussion: """
      Shows the mean test score over seeds with its 95% bootstrap interval, the best setting, what \
      the model costs, and the paired difference from a reference: the same task and the same \
      seeds, so the same data. A difference whose interval includes 0 is marked, because the seeds \
      do not support it; two or three seeds support one only where all have its sign.

      Two stores with the tasks and models of one grid are compared with each other, row by row; \
      otherwise all cells are taken together, and a cell that several stores have counts once. \
      Cells of one configuration with different results are reported and give exit status 1, \
      but for '--by store', which shows both.

      EXAMPLES:
        hysteresis compare results/standard
        hysteresis compare results/standard --baseline attention --by task
        hysteresis compare results/standard results/mine --by architecture
        hysteresis compare results/quick --metric loss
        hysteresis compare results/cpu results/gpu --format csv
        hysteresis compare results/standard --format latex > table.tex
      """)

  @Argument(help: "The stores' folders.", completion: .directory)
  var stores: [String]
  @Option(
    help: """
      What to compare: model, architecture (of each the model that is best on validation), task \
      (a row for each task, a column for each model) or store.
      """)
  var by: Choice<Comparison.Axis>?
  @Option(
    help: "Another metric than each task's own.",
    completion: .list(Metric.allCases.map(\.rawValue)))
  var metric: String?
  @Option(help: "What to compare with: a name of what is compared; otherwise the best.")
  var baseline: String?
  @Option(
    help: """
      How the setting of each row is chosen: validation, or test-best (best on the test set, one \
      seed), which is only for comparing with figures chosen in that way.
      """)
  var selection = Choice(Selection.validation)
  @Option(help: "How to print: text, json, csv, markdown or latex.")
  var format: TableFormat = .text

  func validate() throws {
    if by?.value == .store, stores.count < 2 {
      throw ValidationError("--by store needs at least two stores")
    }
    // The parser would list so many values on lines of their own.
    if let metric, Metric(rawValue: metric) == nil {
      throw ValidationError(
        "There is no metric '\(metric)'; there are: "
          + Metric.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if Set(stores.map(Self.normalised)).count < stores.count {
      throw ValidationError("a store is named twice")
    }
  }

  func run() throws {
    let compared = try zip(ComparedStore.names(stores.map(Self.normalised)), stores)
      .map { name, folder in try ReportFiles.compared(folder, named: name) }
    let axis = by?.value ?? (ComparedStore.holdOneGrid(compared) ? .store : .model)
    let comparison: Comparison
    do {
      comparison = try Comparison.make(
        compared, by: axis, metric: metric.flatMap(Metric.init), baseline: baseline,
        selection: selection.value)
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.usage)
    }
    print(comparison)
    for remark in comparison.remarks { Console.talk(remark) }
    if axis != .store, !comparison.conflicts.isEmpty {
      throw CommandFailure("", status: ExitStatus.failure)
    }
  }

  private func print(_ comparison: Comparison) {
    switch format {
    case .text:
      let terminal = Terminal(.output)
      Console.output(
        comparison.terminalText(width: terminal.width, colour: terminal.usesColour))
    case .json: Console.json(comparison)
    case .csv: Console.document(comparison.csv())
    case .markdown: Console.document(comparison.markdown())
    case .latex: Console.document(comparison.latex())
    }
  }

  /// A path without slashes at its end.
  private static func normalised(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
