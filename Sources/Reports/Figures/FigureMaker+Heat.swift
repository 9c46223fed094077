import Configuration
import Records

extension FigureMaker {
  /// The first screen of report.html.
  var overview: (caption: String, svg: String)? {
    let tasks = report.tasks.filter { task in task.results.contains { $0.score != nil } }
    guard tasks.reduce(0, { $0 + $1.results.count }) > 1 else { return nil }
    let caption = "Overview: the score of every model on every task, from chance to perfect"
    let plots = [
      ("Score against state", stateOfModels), ("Score by length", lengths),
      ("During training", curves),
    ].compactMap { title, figure in figure.map { (title: title, figure: $0) } }
    let shown = Set(
      plots.flatMap { $0.figure.panels[0].series.filter { !$0.samples.isEmpty }.map(\.style) })
    let legends = plots.flatMap(\.figure.legend)
    var known: Set<String> = []
    let legend = legends.filter {
      shown.contains($0.style) && known.insert("\($0.name) \($0.style)").inserted
    }
    let figure = OverviewFigure(
      title: caption, name: report.name,
      lines: ([report.description, counts] + notes).filter { !$0.isEmpty },
      table: overviewTable(tasks), plots: plots, legend: legend)
    return (caption, figure.svg())
  }

  private var counts: String {
    let diverged = report.unfinished.count { $0.status == .diverged }
    let failed = report.unfinished.count - diverged
    let missing = report.gaps.reduce(0) { $0 + $1.missing }
    func counted(_ count: Int, _ one: String, _ rest: String = "") -> String {
      "\(NumberText.count(count)) \(one)\(count == 1 ? "" : "s")\(rest)"
    }
    return
      [
        counted(report.tasks.count, "task"), counted(report.models.count, "model"),
        counted(report.tasks.reduce(0) { $0 + $1.results.count }, "result"),
        diverged > 0 ? counted(diverged, "cell", " diverged") : "",
        failed > 0 ? counted(failed, "cell", " failed") : "",
        missing > 0 ? counted(missing, "cell", " missing") : "",
      ].filter { !$0.isEmpty }.joined(separator: " · ")
  }

  private func overviewTable(_ tasks: [TaskReport]) -> HeatTable {
    let isNarrow = tasks.count > 6
    let chance = HeatTable.Row(
      name: "chance",
      cells: tasks.map { .init(text: NumberText.score($0.chance), isFaint: true) }, isFaint: true)
    let best = tasks.map(\.supportedBest)
    let rows = report.models.map { model in
      HeatTable.Row(
        name: model,
        cells: tasks.enumerated().map { index, task in
          guard let score = task.result(of: model)?.score else { return nil }
          return .init(
            text: isNarrow ? NumberText.score(score.mean) : NumberText.score(score),
            share: heatShare(score.mean, chance: task.chance, task.metric),
            isStrong: best[index] == model)
        })
    }
    return HeatTable(
      corner: "", columns: tasks.map(\.name), rows: [chance] + rows,
      widestColumn: isNarrow ? 96 : 150)
  }

  /// The scores by two slices at once, a panel for each task and model.
  var heatMaps: (caption: String, svg: String)? {
    var panels: [(title: String, table: HeatTable)] = []
    var names: [String] = []
    for task in report.tasks {
      for (place, axes) in (task.grids ?? []).enumerated() {
        let name = "\(axes.rows) and \(axes.columns)"
        if !names.contains(name) { names.append(name) }
        for result in task.results {
          guard let scores = result.grids?[place] else { continue }
          let title = report.tasks.count > 1 ? "\(task.name): \(result.model)" : result.model
          panels.append((title, heatMap(task, axes, scores)))
        }
      }
    }
    guard !panels.isEmpty else { return nil }
    let most = 48
    let caption = "Score by \(names.joined(separator: ", by "))"
    let left = panels.count > most ? ["The first \(most) of \(panels.count) panels."] : []
    let figure = HeatFigure(
      title: caption, panels: Array(panels.prefix(most)), notes: left + notes)
    return (caption, figure.svg())
  }

  private func heatMap(
    _ task: TaskReport, _ axes: GridAxes, _ scores: [[Double?]]
  ) -> HeatTable {
    HeatTable(
      corner: "\(axes.rows) \\ \(axes.columns)", columns: axes.columnBands.map(\.text),
      rows: zip(axes.rowBands, scores).map { band, row in
        HeatTable.Row(
          name: band.text,
          cells: row.map { score in
            score.map {
              .init(
                text: NumberText.fixed($0, 2),
                share: heatShare($0, chance: task.chance, task.metric))
            }
          })
      }, rowHeight: 19)
  }
}
