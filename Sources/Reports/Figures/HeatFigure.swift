/// Panels of heat tables of one shape, with a title each and one key.
struct HeatFigure {
  let title: String
  let panels: [(title: String, table: HeatTable)]
  let notes: [String]

  private static let gap = 28.0
  private static let titleHeight = 26.0
  private static let widest = 960.0

  func svg() -> String {
    let cell = panels.reduce((width: 0.0, height: 0.0)) { size, panel in
      let own = panel.table.size
      return (max(size.width, own.width), max(size.height, own.height))
    }
    let columns = max(1, min(panels.count, Int(Self.widest / (cell.width + Self.gap))))
    let rows = (panels.count + columns - 1) / columns
    let height = cell.height + Self.titleHeight + Self.gap / 2
    let width = max(
      2 * PanelLayout.margin + Double(columns) * (cell.width + Self.gap) - Self.gap,
      (notes.map { estimatedWidth($0) }.max() ?? 0) + 2 * PanelLayout.margin)
    let keyTop = Double(rows) * height + 14
    var svg = SVG(
      width: width, height: keyTop + HeatKey.height + 18 * Double(notes.count), title: title)
    for (index, panel) in panels.enumerated() {
      let x = PanelLayout.margin + Double(index % columns) * (cell.width + Self.gap)
      let y = Double(index / columns) * height + Self.titleHeight
      svg.text(shortened(panel.title, to: cell.width, size: 13.5), x, y - 4, "title")
      panel.table.draw(x: x, y: y, &svg)
    }
    HeatKey.draw(x: PanelLayout.margin, y: keyTop + 6, &svg)
    for (index, note) in notes.enumerated() {
      svg.text(note, PanelLayout.margin, keyTop + HeatKey.height + 6 + 18 * Double(index), "note")
    }
    return svg.text
  }
}
