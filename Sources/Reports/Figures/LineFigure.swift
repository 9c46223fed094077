/// Panels of lines or points: a score against something else, one panel per task.
struct LineFigure {
  struct Sample {
    let x: Double
    let y: Double
    var lower: Double?
    var upper: Double?
  }

  struct Series {
    let style: SeriesStyle
    let samples: [Sample]
  }

  struct Panel {
    let title: String
    /// The name of the score.
    let score: String
    let chance: [Point]
    /// The range of x seen in training.
    let trained: ClosedRange<Double>?
    let series: [Series]
  }

  enum Axis { case lengths, bytes, steps }

  let title: String
  let axisTitle: String
  let axis: Axis
  let panels: [Panel]
  /// The names of the series.
  let legend: [(name: String, style: SeriesStyle)]

  func svg() -> String {
    let layout = PanelLayout(
      panels: panels.count, width: panels.count == 1 ? 420 : panels.count == 2 ? 350 : 255,
      height: 190, columns: 3)
    let legend = Legend(
      legend, hasChance: panels.contains { !$0.chance.isEmpty },
      trainedName: panels.contains { $0.trained != nil } ? "seen in training" : nil,
      width: layout.size.width - 2 * PanelLayout.margin)
    var svg = SVG(
      width: layout.size.width, height: layout.size.height + legend.height, title: title)
    for (index, panel) in panels.enumerated() { draw(panel, in: layout.frame(index), &svg) }
    legend.draw(x: PanelLayout.margin, y: layout.size.height, &svg)
    return svg.text
  }

  private func draw(_ panel: Panel, in frame: Frame, _ svg: inout SVG) {
    let samples = panel.series.flatMap(\.samples)
    let x = horizontal(samples.map(\.x) + trainedEnds(panel), frame)
    let y = Scale.score(
      samples.flatMap { [$0.y, $0.lower ?? $0.y] } + panel.chance.map(\.y),
      start: frame.bottom, end: frame.top)
    if let trained = panel.trained {
      let (left, right) = (x.position(trained.lowerBound), x.position(trained.upperBound))
      svg.rectangle(left, frame.top, max(2, right - left), frame.bottom - frame.top, "trained")
    }
    frame.draw(x: x, y: y, title: panel.title, axis: axisTitle, score: panel.score, &svg)
    svg.polyline(chanceLine(panel, x, y, frame), "chance")
    for series in panel.series { draw(series, x, y, &svg) }
  }

  /// The training range is shown whole, except that a start near 1 would stretch a logarithmic
  /// axis over lengths that are not tested.
  private func trainedEnds(_ panel: Panel) -> [Double] {
    guard let trained = panel.trained else { return [] }
    let least = panel.series.flatMap(\.samples).map(\.x).min() ?? trained.upperBound
    return [max(trained.lowerBound, min(least, trained.upperBound) / 2), trained.upperBound]
  }

  private func horizontal(_ values: [Double], _ frame: Frame) -> Scale {
    switch axis {
    case .steps: Scale.count(values, start: frame.left, end: frame.right)
    case .lengths:
      Scale.positive(values, start: frame.left, end: frame.right, label: Scale.countLabel)
    case .bytes:
      Scale.positive(values, start: frame.left, end: frame.right) {
        NumberText.bytes(Int($0))
      }
    }
  }

  /// The chance line; a single level crosses the whole panel.
  private func chanceLine(_ panel: Panel, _ x: Scale, _ y: Scale, _ frame: Frame) -> [Point] {
    let points = panel.chance.map { Point(x: x.position($0.x), y: y.position($0.y)) }
    guard let first = points.first, points.allSatisfy({ $0.y == first.y }) else { return points }
    return [Point(x: frame.left, y: first.y), Point(x: frame.right, y: first.y)]
  }

  private func draw(_ series: Series, _ x: Scale, _ y: Scale, _ svg: inout SVG) {
    let points = series.samples.map { Point(x: x.position($0.x), y: y.position($0.y)) }
    for (point, sample) in zip(points, series.samples) {
      guard let lower = sample.lower, let upper = sample.upper, upper > lower else { continue }
      svg.line(
        point.x, y.position(lower), point.x, y.position(upper), "whisker \(series.style.colour)")
    }
    if points.count > 1 { svg.polyline(points, series.style.line) }
    // With many points a marker on some of them is enough to tell the lines apart.
    let stride = max(1, points.count / 8)
    for (index, point) in points.enumerated() where (points.count - 1 - index) % stride == 0 {
      svg.marker(series.style, point.x, point.y)
    }
  }
}
