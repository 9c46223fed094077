/// The inside of a panel, in the drawing's places.
struct Frame {
  let left: Double
  let top: Double
  let right: Double
  let bottom: Double

  /// Draws the grid, the axes and the titles.
  func draw(
    x: Scale, y: Scale, title: String, axis: String, score: String, _ svg: inout SVG
  ) {
    for tick in y.ticks {
      let place = y.position(tick.value)
      svg.line(left, place, right, place, "grid")
      svg.text(tick.label, left - 7, place + 4, "tick end")
    }
    svg.line(left, bottom, right, bottom, "axis")
    for tick in x.ticks {
      let place = x.position(tick.value)
      svg.line(place, bottom, place, bottom + 4, "axis")
      svg.text(tick.label, place, bottom + 17, "tick middle")
    }
    svg.text(shortened(title, to: right - left, size: 13.5), left, top - 10, "title")
    svg.text(axis, (left + right) / 2, bottom + 35, "axis-title middle")
    svg.text(score, left - 38, (top + bottom) / 2, "axis-title middle", isUpright: true)
  }
}

/// Panels of one size in rows.
struct PanelLayout {
  static let margin = 14.0
  private static let left = 46.0
  private static let top = 34.0
  private static let bottom = 48.0
  private static let gap = 16.0

  let panels: Int
  /// The size of a panel's inside.
  let width: Double
  let height: Double
  let columns: Int

  private var usedColumns: Int { min(columns, max(1, panels)) }
  private var rows: Int { (max(1, panels) + columns - 1) / columns }
  private var cell: (width: Double, height: Double) {
    (Self.left + width + Self.gap, Self.top + height + Self.bottom)
  }

  var size: (width: Double, height: Double) {
    (
      2 * Self.margin + Double(usedColumns) * cell.width - Self.gap,
      Double(rows) * cell.height + Self.margin / 2
    )
  }

  func frame(_ index: Int) -> Frame {
    let left = Self.margin + Double(index % columns) * cell.width + Self.left
    let top = Double(index / columns) * cell.height + Self.top
    return Frame(left: left, top: top, right: left + width, bottom: top + height)
  }
}

/// The names of the series in rows below the panels.
struct Legend {
  private enum Sign { case series(SeriesStyle), chance, trained, front }

  private static let rowHeight = 21.0
  private static let signWidth = 30.0
  private static let gap = 20.0

  private let rows: [[(name: String, sign: Sign, width: Double)]]

  /// The height that it takes, margins included.
  var height: Double { Double(rows.count) * Self.rowHeight + 8 }

  init(
    _ series: [(name: String, style: SeriesStyle)], hasChance: Bool, trainedName: String?,
    hasFront: Bool = false, width: Double
  ) {
    var entries = series.map { ($0.name, Sign.series($0.style)) }
    if hasChance { entries.append(("chance", .chance)) }
    if hasFront { entries.append(("Pareto front", .front)) }
    if let trainedName { entries.append((trainedName, .trained)) }
    var rows: [[(name: String, sign: Sign, width: Double)]] = [[]]
    var used = 0.0
    for (name, sign) in entries {
      let name = shortened(name, to: width - Self.signWidth)
      let needed = Self.signWidth + estimatedWidth(name) + Self.gap
      if used + needed - Self.gap > width, used > 0 {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append((name, sign, needed))
      used += needed
    }
    self.rows = rows
  }

  func draw(x: Double, y: Double, _ svg: inout SVG) {
    for (index, row) in rows.enumerated() {
      let middle = y + Double(index) * Self.rowHeight + 6
      var place = x
      for entry in row {
        draw(entry.sign, place, middle, &svg)
        svg.text(entry.name, place + Self.signWidth, middle + 4)
        place += entry.width
      }
    }
  }

  private func draw(_ sign: Sign, _ x: Double, _ y: Double, _ svg: inout SVG) {
    switch sign {
    case .series(let style):
      if !style.isHollow { svg.line(x, y, x + 24, y, style.line) }
      svg.marker(style, x + 12, y)
    case .front: svg.line(x, y, x + 24, y, "front")
    case .chance: svg.line(x, y, x + 24, y, "chance")
    case .trained: svg.rectangle(x, y - 6, 24, 12, "trained")
    }
  }
}
