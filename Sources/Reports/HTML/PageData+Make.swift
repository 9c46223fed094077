import Configuration
import Records

extension PageData {
  /// The most cells and rows listed by name; the page says how many there are beyond.
  private static let mostListed = 500

  init(_ report: Report) {
    let seriesStyles = report.seriesStyles
    let styles = report.styles
    let modelPlaces = Self.places(report.models)
    let seriesPlaces = Self.places(seriesStyles.map(\.name))
    name = Escaping.line(report.name)
    description = Escaping.line(report.description)
    warning = report.selection.warning
    choice = report.selection.rawValue
    counts = Counts(
      diverged: report.unfinished.count { $0.status == .diverged },
      failed: report.unfinished.count { $0.status == .failed },
      missing: report.gaps.reduce(0) { $0 + $1.missing })
    models = report.models.map { Style($0, styles[$0] ?? SeriesStyle(index: 0)) }
    series = seriesStyles.map { Style($0.name, $0.style) }
    tasks = report.tasks.map { Task($0, models: modelPlaces) }
    rows = report.tasks.enumerated().flatMap { place, task in
      task.results.map { result in
        Row(
          result, task: place, model: modelPlaces[result.model] ?? 0,
          series: seriesPlaces[result.series] ?? 0)
      }
    }
    published = report.publishedSeries.map { Published($0, tasks: report.tasks.map(\.name)) }
    unfinished = report.unfinished.prefix(Self.mostListed).map(Cell.init)
    gaps = report.gaps.prefix(Self.mostListed).map {
      Missing(
        task: Escaping.line($0.task), model: Escaping.line($0.model), cells: $0.missing)
    }
    gapsInAll = report.gaps.count
  }

  private static func places(_ names: [String]) -> [String: Int] {
    Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

extension PageData.Task {
  fileprivate init(_ task: TaskReport, models: [String: Int]) {
    name = Escaping.line(task.name)
    metric = Escaping.line(words(task.metric))
    higherIsBetter = Metric(rawValue: task.metric)?.isHigherBetter ?? true
    chance = task.chance
    oracle = task.oracle
    baselines = task.baselines.map { Reference(name: Escaping.line($0.name), value: $0.value) }
    trained = task.trainingLengths.map { [$0.from, $0.to] }
    bands = task.bands.map {
      Band(
        slice: Escaping.line($0.slice), from: $0.band.from, to: $0.band.to,
        chance: PageData.rounded($0.chance))
    }
    segments =
      task.segmentTable == nil
      ? []
      : task.segments.map {
        Reference(name: Escaping.line($0.name), value: PageData.rounded($0.chance))
      }
    further = (task.further ?? []).map { Escaping.line(words($0.metric)) }
    gaps = (task.gaps ?? []).map(Escaping.line)
    reaches = (task.reaches ?? []).map(Escaping.line)
    grids = (task.grids ?? []).map { axes in
      Grid(
        rows: Escaping.line(axes.rows), columns: Escaping.line(axes.columns),
        rowBands: axes.rowBands.map { [$0.from, $0.to] },
        columnBands: axes.columnBands.map { [$0.from, $0.to] })
    }
    best = task.supportedBest.flatMap { models[$0] }
  }
}

extension PageData.Row {
  fileprivate init(_ result: ModelResult, task: Int, model: Int, series: Int) {
    self.task = task
    self.model = model
    self.series = series
    score = result.score.map(PageData.Score.init)
    scaled = result.scaled
    validation = result.validation?.mean
    seeds = result.finished + result.diverged
    diverged = result.diverged
    external = result.isExternal
    failed = result.failed
    chosen = result.chosen.map(PageData.Setting.init)
    candidates = result.candidates
    parameters = result.parameters
    bytes = result.stateBytes
    eigenvalues = result.eigenvalues.map(Escaping.line)
    flopsPerToken = result.flopsPerToken
    trainingFLOPs = result.trainingFLOPs
    learnability = result.learnability.map(PageData.Learnability.init)
    bands = result.bands.map(PageData.parts)
    segments = result.segments.map(PageData.parts)
    curve = result.curve.map {
      [Double($0.step), PageData.rounded($0.score), PageData.rounded($0.loss)]
    }
    further = (result.further ?? []).map(PageData.parts)
    gaps = (result.gaps ?? []).map(PageData.parts)
    reaches = result.reaches ?? []
    grids = result.grids ?? []
  }
}

extension PageData.Learnability {
  fileprivate init(_ learnability: Learnability) {
    rates = (learnability.rates ?? []).map { [$0.learningRate, PageData.rounded($0.validation)] }
    window = learnability.window.map { [$0.lowest, $0.highest] } ?? []
    decades = learnability.window?.decades
    isLowerBound = learnability.window?.isLowerBound ?? false
    threshold = learnability.threshold
    solved = learnability.solved
    seeds = learnability.seeds
    steps = learnability.steps
  }
}

extension PageData.Published {
  /// A point of a task that the report has not is left out.
  fileprivate init(_ series: PublishedSeries, tasks: [String]) {
    style = PageData.Style(series.legend, series.style)
    points = series.points.compactMap { point in
      let task = point.task.flatMap(tasks.firstIndex)
      guard point.task == nil || task != nil else { return nil }
      return Point(
        task: task, bytes: point.stateBytes, score: point.score,
        source: Escaping.line(point.source))
    }
  }
}

extension PageData.Score {
  fileprivate init(_ statistic: Statistic) {
    mean = statistic.mean
    median = statistic.median
    best = statistic.best
    lower = statistic.lower
    upper = statistic.upper
    values = statistic.values
  }
}

extension PageData.Setting {
  fileprivate init(_ setting: TunedSetting) {
    name = Escaping.line(setting.name)
    value = Escaping.line(NumberText.setting(setting.value))
  }
}

extension PageData.Cell {
  fileprivate init(_ cell: Report.Unfinished) {
    key = Escaping.line(cell.key)
    task = Escaping.line(cell.task)
    model = Escaping.line(cell.model)
    settings = cell.tuned.map(PageData.Setting.init)
    seed = cell.seed
    status = cell.status.rawValue
    reason = Escaping.line(String(cell.reason.prefix(500)))
  }
}

extension PageData {
  /// Enough digits for what is only drawn; what tables show is kept whole, so that it is rounded
  /// once and reads as in every other table.
  fileprivate static func rounded(_ value: Double) -> Double {
    guard value.isFinite, abs(value) < 1e9 else { return value }
    return (value * 1e5).rounded() / 1e5
  }

  fileprivate static func parts(_ statistic: Statistic?) -> [Double] {
    guard let statistic else { return [] }
    return [statistic.mean, statistic.lower, statistic.upper].compactMap(\.self)
  }
}
