/// The first screen of report.html, drawn: the scores of all models on all tasks, and one plot of
/// each kind.
struct OverviewFigure {
  let title: String
  let name: String
  let lines: [String]
  let table: HeatTable
  let plots: [(title: String, figure: LineFigure)]
  let legend: [(name: String, style: SeriesStyle)]

  private static let margin = 26.0
  private static let barHeight = 34.0
  private static let plotWidth = 236.0
  private static let plotHeight = 170.0
  private static let gap = 22.0

  func svg() -> String {
    let tableSize = table.size
    let plotCell = Self.plotWidth + 46 + Self.gap
    let inside = max(
      tableSize.width, Double(plots.count) * plotCell - Self.gap, 560,
      estimatedWidth(name, size: 24))
    let tableTop = Self.barHeight + 62 + 19 * Double(lines.count)
    let plotTop = tableTop + tableSize.height + HeatKey.height + 74
    let legendTop = plots.isEmpty ? plotTop - 60 : plotTop + Self.plotHeight + 66
    let legend = Legend(
      plots.isEmpty ? [] : legend, hasChance: !plots.isEmpty,
      trainedName: plots.contains { $0.figure.panels[0].trained != nil } ? "seen in training" : nil,
      hasFront: plots.contains { $0.figure.showsFront }, width: inside)
    let height = legendTop + (plots.isEmpty ? 0 : legend.height) + 12
    var svg = SVG(width: inside + 2 * Self.margin, height: height, title: title)
    drawWindow(width: inside + 2 * Self.margin, height: height, &svg)
    svg.text(shortened(name, to: inside, size: 24), Self.margin, Self.barHeight + 38, "big")
    for (index, line) in lines.enumerated() {
      svg.text(
        shortened(line, to: inside), Self.margin, Self.barHeight + 60 + 19 * Double(index), "faint")
    }
    table.draw(x: Self.margin, y: tableTop, &svg)
    HeatKey.draw(x: Self.margin, y: tableTop + tableSize.height + 18, &svg)
    for (index, plot) in plots.enumerated() {
      let left = Self.margin + 46 + Double(index) * plotCell
      let frame = Frame(
        left: left, top: plotTop, right: left + Self.plotWidth, bottom: plotTop + Self.plotHeight)
      svg.text(plot.title, left - 46, plotTop - 34, "heading")
      plot.figure.draw(plot.figure.panels[0], in: frame, &svg)
    }
    if !plots.isEmpty { legend.draw(x: Self.margin, y: legendTop, &svg) }
    return svg.text
  }

  private func drawWindow(width: Double, height: Double, _ svg: inout SVG) {
    svg.rectangle(0, 0, width, Self.barHeight, "bar")
    for index in 0..<3 {
      svg.circle(20 + 18 * Double(index), Self.barHeight / 2, radius: 5, "light")
    }
    svg.text("report.html", width / 2, Self.barHeight / 2 + 4, "faint middle")
    svg.line(0, Self.barHeight, width, Self.barHeight, "grid")
    svg.outline(0.5, 0.5, width - 1, height - 1)
  }
}
