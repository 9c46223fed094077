/// Panels of lines or points: a score against something else, one panel per task.
struct LineFigure {
  struct Sample {
    let x: Double
    let y: Double
    var lower: Double?
    var upper: Double?
  }

  struct Series {
    let name: String
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
    /// The best scores at as small an x, joined by a line of steps.
    var front: [Point] = []
  }

  enum Axis { case lengths, bytes, steps }

  let title: String
  let axisTitle: String
  let axis: Axis
  let panels: [Panel]
  /// The names of the series.
  let legend: [(name: String, style: SeriesStyle)]
  var notes: [String] = []

  var showsFront: Bool { panels.contains { $0.front.count > 1 } }

  /// Whether the lines' names stand beside their ends: where a single panel has room for all.
  private var labelsEnds: Bool {
    panels.count == 1 && axis != .bytes
      && Double(panels[0].series.filter { !$0.samples.isEmpty }.count) * EndLabels.lineHeight
        <= Self.singleHeight
  }

  private static let singleHeight = 215.0

  func svg() -> String {
    let layout = PanelLayout(
      panels: panels.count, width: panels.count == 1 ? 440 : panels.count == 2 ? 350 : 255,
      height: panels.count == 1 ? Self.singleHeight : 190, columns: 3)
    let names = labelsEnds ? panels[0].series.map(\.name) : []
    let room = min(230, (names.map { estimatedWidth($0) }.max() ?? -30) + 30)
    let width = layout.size.width + room
    let legend = Legend(
      labelsEnds ? [] : legend, hasChance: panels.contains { !$0.chance.isEmpty },
      trainedName: panels.contains { $0.trained != nil } ? "seen in training" : nil,
      hasFront: showsFront, width: width - 2 * PanelLayout.margin)
    let height = layout.size.height + legend.height
    let notes = notes.flatMap { broken($0, to: width - 2 * PanelLayout.margin, size: 11) }
    var svg = SVG(width: width, height: height + 18 * Double(notes.count), title: title)
    for (index, panel) in panels.enumerated() { draw(panel, in: layout.frame(index), &svg) }
    if labelsEnds { drawNames(in: layout.frame(0), room: room, &svg) }
    legend.draw(x: PanelLayout.margin, y: layout.size.height, &svg)
    for (index, note) in notes.enumerated() {
      svg.text(note, PanelLayout.margin, height + 8 + 18 * Double(index), "note")
    }
    return svg.text
  }

  /// Draws a panel, whose frame is the inside of its axes.
  func draw(_ panel: Panel, in frame: Frame, _ svg: inout SVG) {
    let (x, y) = scales(panel, frame)
    if let trained = panel.trained {
      let (left, right) = (x.position(trained.lowerBound), x.position(trained.upperBound))
      svg.rectangle(left, frame.top, max(2, right - left), frame.bottom - frame.top, "trained")
    }
    frame.draw(x: x, y: y, title: panel.title, axis: axisTitle, score: panel.score, &svg)
    svg.polyline(chanceLine(panel, x, y, frame), "chance")
    if panel.front.count > 1 {
      let front = panel.front.map { Point(x: x.position($0.x), y: y.position($0.y)) }
      svg.polyline(ParetoFront.steps(front, to: frame.right), "front")
    }
    for series in panel.series { draw(series, x, y, &svg) }
  }

  private func scales(_ panel: Panel, _ frame: Frame) -> (x: Scale, y: Scale) {
    let samples = panel.series.flatMap(\.samples)
    return (
      horizontal(samples.map(\.x) + trainedEnds(panel), frame),
      Scale.score(
        samples.flatMap { [$0.y, $0.lower ?? $0.y] } + panel.chance.map(\.y),
        start: frame.bottom, end: frame.top)
    )
  }

  /// Writes the names of the lines at their ends, apart from each other.
  private func drawNames(in frame: Frame, room: Double, _ svg: inout SVG) {
    let (x, y) = scales(panels[0], frame)
    let ends = panels[0].series.compactMap { series in
      series.samples.last.map { (series, Point(x: x.position($0.x), y: y.position($0.y))) }
    }
    let places = EndLabels.places(ends.map(\.1.y), in: frame.top...frame.bottom)
    for ((series, end), place) in zip(ends, places) {
      svg.line(end.x + 6, end.y, frame.right + 8, place, "leader")
      svg.marker(series.style, frame.right + 14, place, radius: 3.6)
      svg.text(shortened(series.name, to: room - 26), frame.right + 22, place + 4)
    }
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
    if points.count > 1, !series.style.isHollow { svg.polyline(points, series.style.line) }
    // With many points a marker on some of them is enough to tell the lines apart.
    let stride = series.style.isHollow ? 1 : max(1, points.count / 8)
    for (index, point) in points.enumerated() where (points.count - 1 - index) % stride == 0 {
      svg.marker(series.style, point.x, point.y)
    }
  }
}
