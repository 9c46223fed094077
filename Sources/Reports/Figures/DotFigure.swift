/// The scores of all models (rows) on all tasks (panels) with their intervals.
struct DotFigure {
  struct Row {
    let name: String
    let style: SeriesStyle
    /// One statistic per panel.
    let scores: [Statistic?]
  }

  struct Panel {
    let title: String
    let score: String
    let chance: Double
  }

  private static let rowHeight = 24.0
  private static let columns = 4
  private static let top = 34.0
  private static let bottom = 46.0
  private static let gap = 26.0

  let title: String
  let panels: [Panel]
  let rows: [Row]
  var notes: [String] = []

  func svg() -> String {
    let columns = min(Self.columns, max(1, panels.count))
    let names = min(240, (rows.map { estimatedWidth($0.name) }.max() ?? 0) + 26)
    let panelWidth = panels.count < 3 ? 300.0 : 190.0
    let panelHeight = Double(rows.count) * Self.rowHeight + 8
    let cellHeight = Self.top + panelHeight + Self.bottom
    let left = PanelLayout.margin + names
    let width =
      left + Double(columns) * (panelWidth + Self.gap) - Self.gap + PanelLayout.margin + 6
    let count = (panels.count + Self.columns - 1) / Self.columns
    let legend = Legend([], hasChance: true, trainedName: nil, width: width)
    let notes = notes.flatMap { broken($0, to: width - left - PanelLayout.margin, size: 11) }
    var svg = SVG(
      width: width, height: Double(count) * cellHeight + legend.height + 18 * Double(notes.count),
      title: title)
    for (index, panel) in panels.enumerated() {
      let x = left + Double(index % Self.columns) * (panelWidth + Self.gap)
      let y = Double(index / Self.columns) * cellHeight + Self.top
      let frame = Frame(left: x, top: y, right: x + panelWidth, bottom: y + panelHeight)
      if index % Self.columns == 0 { drawNames(left: PanelLayout.margin, names, frame, &svg) }
      draw(panel, index, in: frame, &svg)
    }
    legend.draw(x: left, y: Double(count) * cellHeight, &svg)
    for (index, note) in notes.enumerated() {
      svg.text(
        note, left, Double(count) * cellHeight + legend.height + 8 + 18 * Double(index), "note")
    }
    return svg.text
  }

  private func place(_ row: Int, in frame: Frame) -> Double {
    frame.top + 4 + (Double(row) + 0.5) * Self.rowHeight
  }

  private func drawNames(left: Double, _ width: Double, _ frame: Frame, _ svg: inout SVG) {
    for (index, row) in rows.enumerated() {
      svg.text(
        shortened(row.name, to: width - 14), left + width - 12, place(index, in: frame) + 4, "end")
    }
  }

  private func draw(_ panel: Panel, _ index: Int, in frame: Frame, _ svg: inout SVG) {
    let scores = rows.compactMap { index < $0.scores.count ? $0.scores[index] : nil }
    let x = Scale.score(
      scores.flatMap { $0.values + [$0.lower ?? $0.mean] } + [panel.chance], start: frame.left,
      end: frame.right)
    for tick in x.ticks {
      let place = x.position(tick.value)
      svg.line(place, frame.top, place, frame.bottom, "grid")
      svg.text(tick.label, place, frame.bottom + 16, "tick middle")
    }
    svg.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    let chance = x.position(panel.chance)
    svg.line(chance, frame.top, chance, frame.bottom, "chance")
    let middle = (frame.left + frame.right) / 2
    svg.text(
      shortened(panel.title, to: frame.right - frame.left, size: 13.5), frame.left, frame.top - 10,
      "title")
    svg.text(panel.score, middle, frame.bottom + 34, "axis-title middle")
    for (row, entry) in rows.enumerated() where index < entry.scores.count {
      if let score = entry.scores[index] {
        draw(score, entry.style, x, place(row, in: frame), &svg)
      }
    }
  }

  private func draw(
    _ score: Statistic, _ style: SeriesStyle, _ x: Scale, _ y: Double, _ svg: inout SVG
  ) {
    for value in score.values {
      svg.circle(x.position(value), y, radius: 2.6, "seed \(style.colour)")
    }
    if let lower = score.lower, let upper = score.upper, upper > lower {
      svg.line(x.position(lower), y, x.position(upper), y, "whisker \(style.colour)")
    }
    svg.marker(style, x.position(score.mean), y)
  }
}
