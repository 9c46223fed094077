import Configuration

/// A plot and the name of its file.
package struct Figure {
  package let file: String
  /// What it shows, for people who cannot see it.
  let caption: String
  package let svg: String
}

extension Report {
  /// The names of all figures' files, drawn or not.
  static let figureFiles = [
    "overview.svg", "accuracy.svg", "lengths.svg", "state.svg", "heat-maps.svg", "curves.svg",
  ]

  /// The figures that the results have something to show in.
  package func figures() -> [Figure] { FigureMaker(self).figures() }
}

/// Makes the figures of a report.
struct FigureMaker {
  /// More tasks and models than these are not drawn: nobody could tell them apart.
  private static let mostTasks = 24
  private static let mostModels = 48

  let report: Report
  let styles: [String: SeriesStyle]
  /// What is said below every figure that does not show all.
  let notes: [String]

  init(_ whole: Report) {
    var notes: [String] = []
    var report = whole
    if whole.tasks.count > Self.mostTasks {
      report.tasks = Array(whole.tasks.prefix(Self.mostTasks))
      notes.append("The first \(Self.mostTasks) of \(whole.tasks.count) tasks.")
    }
    if whole.models.count > Self.mostModels {
      let kept = Set(whole.modelsByScore.prefix(Self.mostModels))
      report.models = whole.models.filter(kept.contains)
      for index in report.tasks.indices {
        report.tasks[index].results.removeAll { !kept.contains($0.model) }
      }
      notes.append(
        "The \(Self.mostModels) models of \(whole.models.count) with the best mean score.")
    }
    self.report = report
    self.notes = notes
    styles = report.styles
  }

  func style(_ model: String) -> SeriesStyle { styles[model] ?? SeriesStyle(index: 0) }

  func figures() -> [Figure] {
    let figures = [
      (Report.figureFiles[0], overview), (Report.figureFiles[1], accuracy),
      (Report.figureFiles[2], lengths?.whole), (Report.figureFiles[3], state?.whole),
      (Report.figureFiles[4], heatMaps), (Report.figureFiles[5], curves?.whole),
    ]
    return figures.compactMap { file, drawn in
      drawn.map { Figure(file: file, caption: $0.caption, svg: $0.svg) }
    }
  }

  private var accuracy: (caption: String, svg: String)? {
    let tasks = report.tasks.filter { task in task.results.contains { $0.score != nil } }
    guard !tasks.isEmpty else { return nil }
    let caption = "Score of every model on every task with the 95% interval over seeds"
    let figure = DotFigure(
      title: caption,
      panels: tasks.map { .init(title: $0.name, score: words($0.metric), chance: $0.chance) },
      rows: report.models.map { model in
        .init(
          name: model, style: style(model), scores: tasks.map { $0.result(of: model)?.score })
      }, notes: notes)
    return (caption, figure.svg())
  }

  var lengths: LineFigure? {
    let tasks = report.tasks.filter { $0.sliceNames.contains("length") }
    return lineFigure(
      caption: "Score by length", axisTitle: "length", axis: .lengths,
      panels: tasks.map { task in
        let places = task.bands.indices.filter { task.bands[$0].slice == "length" }
        return .init(
          title: task.name, score: words(task.metric),
          chance: places.map { Point(x: task.bands[$0].middle, y: task.bands[$0].chance) },
          trained: task.trainingLengths.map { Double($0.from)...Double($0.to) },
          series: task.results.map { result in
            .init(
              name: result.model, style: style(result.model),
              samples: places.compactMap { place in
                result.bands[place].map { LineFigure.Sample(x: task.bands[place].middle, $0) }
              })
          })
      }, names: report.models.map { ($0, style($0)) })
  }

  var curves: LineFigure? {
    let tasks = report.tasks.filter { task in task.results.contains { $0.curve.count > 1 } }
    return lineFigure(
      caption: "Validation score during training", axisTitle: "step", axis: .steps,
      panels: tasks.map { task in
        .init(
          title: task.name, score: words(task.metric), chance: [Point(x: 0, y: task.chance)],
          trained: nil,
          series: task.results.map { result in
            .init(
              name: result.model, style: style(result.model),
              samples: result.curve.map { .init(x: Double($0.step), y: $0.score) })
          })
      }, names: report.models.map { ($0, style($0)) })
  }

  /// The sizes of a series joined by a line.
  var state: LineFigure? {
    stateFigure(
      report.seriesStyles, by: \.series, published: report.publishedSeries,
      sources: report.publishedSources.map { "Hollow: published, \($0)" })
  }

  /// Every model for itself, in the style that it has in the other figures.
  var stateOfModels: LineFigure? {
    stateFigure(
      report.models.map { ($0, style($0)) }, by: \.model, published: [], sources: [])
  }

  private func stateFigure(
    _ series: [(name: String, style: SeriesStyle)], by key: KeyPath<ModelResult, String>,
    published: [PublishedSeries], sources: [String]
  ) -> LineFigure? {
    let tasks = report.tasks.filter { task in
      task.results.filter { $0.stateSample != nil }.count > 1
    }
    return lineFigure(
      caption: "Score against the size of the recurrent state, with the Pareto front",
      axisTitle: "recurrent state", axis: .bytes,
      panels: tasks.map { task in
        let points = task.results.compactMap(\.stateSample).map { Point(x: $0.x, y: $0.y) }
        let isHigherBetter = Metric(rawValue: task.metric)?.isHigherBetter ?? true
        return .init(
          title: task.name, score: words(task.metric), chance: [Point(x: 1, y: task.chance)],
          trained: nil,
          series: series.map { name, style in
            let samples = task.results.filter { $0[keyPath: key] == name }.compactMap(\.stateSample)
            return .init(name: name, style: style, samples: samples.sorted { $0.x < $1.x })
          } + published.map { $0.drawn(in: task) },
          front: ParetoFront.of(points, isHigherBetter: isHigherBetter))
      }, names: series + published.map { ($0.legend, $0.style) },
      sources: sources)
  }

  private func lineFigure(
    caption: String, axisTitle: String, axis: LineFigure.Axis, panels: [LineFigure.Panel],
    names: [(name: String, style: SeriesStyle)], sources: [String] = []
  ) -> LineFigure? {
    guard !panels.isEmpty else { return nil }
    let shown = Set(panels.flatMap(\.series).filter { !$0.samples.isEmpty }.map(\.style))
    return LineFigure(
      title: caption, axisTitle: axisTitle, axis: axis, panels: panels,
      legend: names.filter { shown.contains($0.style) }, notes: sources + notes)
  }
}

extension LineFigure {
  fileprivate var whole: (caption: String, svg: String) { (title, svg()) }
}

extension Report {
  /// All models, those first whose mean over tasks is best on a scale from chance to perfect.
  fileprivate var modelsByScore: [String] {
    var sums: [String: (sum: Double, count: Int)] = [:]
    for result in tasks.flatMap(\.results) {
      guard let scaled = result.scaled else { continue }
      let known = sums[result.model] ?? (0, 0)
      sums[result.model] = (known.sum + scaled, known.count + 1)
    }
    let merit = sums.mapValues { $0.sum / Double($0.count) }
    let places = Dictionary(models.enumerated().map { ($1, $0) }) { first, _ in first }
    return models.sorted { first, second in
      let merits = (merit[first] ?? -.infinity, merit[second] ?? -.infinity)
      return merits.0 == merits.1
        ? (places[first] ?? 0) < (places[second] ?? 0) : merits.0 > merits.1
    }
  }
}

/// A metric's title; of one that is not known here the name in words, "someScore" "some score".
func words(_ name: String) -> String {
  if let metric = Metric(rawValue: name) {
    return metric.title + (metric.isHigherBetter ? "" : " (less is better)")
  }
  return name.reduce(into: "") { text, character in
    text += character.isUppercase ? " " + character.lowercased() : String(character)
  }
}

extension BandChance {
  /// The middle of the band.
  fileprivate var middle: Double { Double(band.from + band.to) / 2 }
}

extension ModelResult {
  /// The score against the state's bytes.
  fileprivate var stateSample: LineFigure.Sample? {
    guard let score, let stateBytes, stateBytes > 0 else { return nil }
    return LineFigure.Sample(x: Double(stateBytes), score)
  }
}

extension LineFigure.Sample {
  fileprivate init(x: Double, _ score: Statistic) {
    self.init(x: x, y: score.mean, lower: score.lower, upper: score.upper)
  }
}
