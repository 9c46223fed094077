/// A table of scores whose cells have a colour from chance (none) to perfect (full).
struct HeatTable {
  struct Cell {
    let text: String
    /// The score's place between chance (0) and perfect (1); nil for a cell without colour.
    var share: Double?
    var isStrong = false
    var isFaint = false
  }

  struct Row {
    let name: String
    /// One per column; nil where there is no score.
    let cells: [Cell?]
    var isFaint = false
  }

  /// What stands above the names of the rows.
  let corner: String
  let columns: [String]
  let rows: [Row]
  var rowHeight = 22.0
  var widestName = 240.0
  /// The width of a column that a long heading asks for at most.
  var widestColumn = 150.0

  private static let headHeight = 24.0
  private static let padding = 30.0

  private var nameWidth: Double {
    let names = rows.map(\.name) + [corner]
    return min(widestName, (names.map { estimatedWidth($0) }.max() ?? 0) + Self.padding)
  }

  private var columnWidths: [Double] {
    columns.indices.map { index in
      let texts = rows.compactMap { $0.cells[index]?.text }
      let needed = (texts.map { estimatedWidth($0) }.max() ?? 0) + Self.padding
      return max(needed, min(widestColumn, estimatedWidth(columns[index], size: 13) + Self.padding))
    }
  }

  var size: (width: Double, height: Double) {
    (
      nameWidth + columnWidths.reduce(0, +),
      Self.headHeight + Double(rows.count) * rowHeight
    )
  }

  /// Draws the table with its left upper corner at a place.
  func draw(x: Double, y: Double, _ svg: inout SVG) {
    let widths = columnWidths
    let top = y + Self.headHeight
    svg.text(shortened(corner, to: nameWidth - 8), x, top - 8, "note")
    var left = x + nameWidth
    for (index, width) in widths.enumerated() {
      let heading = shortened(columns[index], to: width - 8, size: 13)
      svg.text(heading, left + width - 10, top - 8, "head end")
      for (place, row) in rows.enumerated() {
        guard let cell = row.cells[index] else { continue }
        draw(cell, left, top + Double(place) * rowHeight, width, &svg)
      }
      left += width
    }
    for (place, row) in rows.enumerated() {
      let bottom = top + Double(place + 1) * rowHeight
      let name = shortened(row.name, to: nameWidth - 10)
      svg.text(name, x, bottom - rowHeight / 2 + 4, row.isFaint ? "note" : "")
      svg.line(x, bottom, left, bottom, "grid")
    }
    svg.line(x, top, left, top, "axis")
  }

  private func draw(_ cell: Cell, _ x: Double, _ y: Double, _ width: Double, _ svg: inout SVG) {
    if let share = cell.share { svg.heat(x, y, width, rowHeight, share: share) }
    let style = cell.isStrong ? "end strong" : cell.isFaint ? "note end" : "end"
    svg.text(cell.text, x + width - 10, y + rowHeight / 2 + 4, style)
  }
}

/// The key of the colours: from chance to perfect.
enum HeatKey {
  static let height = 24.0

  static func draw(x: Double, y: Double, _ svg: inout SVG) {
    let start = x + estimatedWidth("chance") + 8
    svg.text("chance", x, y + 4, "note")
    for step in 0..<10 {
      svg.heat(start + Double(step) * 10, y - 5, 10, 10, share: (Double(step) + 0.5) / 10)
    }
    svg.outline(start, y - 5, 100, 10)
    svg.text("perfect", start + 108, y + 4, "note")
  }
}

/// A score on the scale from chance (0) to perfect (1), within it.
func heatShare(_ score: Double, chance: Double, _ metric: String) -> Double {
  min(1, max(0, scaledScore(score, chance: chance, metric) ?? 0))
}
