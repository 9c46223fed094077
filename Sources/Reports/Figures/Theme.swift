/// The look of all figures.
///
/// The colours are those of Okabe and Ito that stand out on paper (for the colour-blind too), with
/// lighter ones on a dark background; each series also has a marker of its own.
enum Theme {
  static let colours = 7
  static let markers = 8

  static let styleSheet = """
    text { font: 12px Inter, "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 13px; }
    .tick, .note { font-size: 11px; fill: #59636e; }
    .axis-title { fill: #59636e; }
    .faint { fill: #59636e; }
    .head { font-weight: 600; }
    .heading { font-weight: 600; font-size: 14px; }
    .big { font-weight: 600; font-size: 24px; }
    .strong { font-weight: 700; }
    .bar { fill: #f6f8fa; }
    .light { fill: #d1d9e0; }
    .outline { fill: none; stroke: #d1d9e0; stroke-width: 1; }
    .heat { fill: #5aa9dd; }
    .front { stroke: #59636e; stroke-width: 1.2; fill: none; opacity: 0.7; }
    .leader { stroke: #8c959f; stroke-width: 0.7; }
    .middle { text-anchor: middle; }
    .end { text-anchor: end; }
    .paper { fill: #ffffff; }
    .grid { stroke: #e4e7ea; stroke-width: 1; }
    .axis { stroke: #8c959f; stroke-width: 1; }
    .chance { stroke: #6e7781; stroke-width: 1.2; stroke-dasharray: 4 3; fill: none; }
    .trained { fill: #eaeef2; }
    .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
    .dashed { stroke-dasharray: 6 3; }
    .whisker { stroke-width: 1.6; stroke-linecap: round; }
    .seed { fill-opacity: 0.35; stroke: none; }
    .marker { stroke: #ffffff; stroke-width: 0.8; }
    \(rules(["#0072b2", "#d55e00", "#009e73", "#b5528b", "#c98a00", "#3fa0dc", "#3b424a"]))
    .marker.hollow { fill: #ffffff; stroke-width: 1.6; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .tick, .note, .axis-title, .faint { fill: #9198a1; }
      .bar { fill: #151b23; }
      .light { fill: #3d444d; }
      .outline { stroke: #3d444d; }
      .heat { fill: #17609a; }
      .front { stroke: #9198a1; }
      .leader { stroke: #656c76; }
      .paper { fill: #0d1117; }
      .grid { stroke: #262c36; }
      .axis { stroke: #656c76; }
      .chance { stroke: #9198a1; }
      .trained { fill: #1b212a; }
      .marker { stroke: #0d1117; }
      .marker.hollow { fill: #0d1117; }
      \(rules(["#4ba3e3", "#f0743a", "#2fbf94", "#de93c0", "#e8b339", "#9ad4f7", "#c9d1d9"]))
    }

    """

  private static func rules(_ colours: [String]) -> String {
    colours.enumerated().map { index, colour in
      ".line.c\(index), .whisker.c\(index), .hollow.c\(index) { stroke: \(colour); } "
        + ".marker.c\(index), .seed.c\(index) { fill: \(colour); }"
    }.joined(separator: "\n")
  }
}

/// The colour, marker and dash of a series.
struct SeriesStyle: Hashable {
  let hue: Int
  let shape: Int
  let isDashed: Bool
  /// Whether its points are drawn without an inside and not joined: those published elsewhere.
  var isHollow = false

  /// The style of one of many equals: 56 pairs of colour and marker before one returns.
  init(index: Int) {
    hue = index % Theme.colours
    shape = index % Theme.markers
    isDashed = index / Theme.colours % 2 == 1
  }

  /// The style of a member of a family: the family has the colour, the member the marker.
  init(family: Int, member: Int) {
    hue = family % Theme.colours
    shape = member % Theme.markers
    isDashed = false
  }

  var colour: String { "c\(hue)" }
  var line: String { "line \(colour)" + (isDashed ? " dashed" : "") }
}

extension SVG {
  /// Draws the marker of a series.
  mutating func marker(_ style: SeriesStyle, _ x: Double, _ y: Double, radius r: Double = 4.2) {
    let name = "marker \(style.colour)" + (style.isHollow ? " hollow" : "")
    func shape(_ points: [(Double, Double)]) -> [Point] {
      points.map { Point(x: x + $0.0 * r, y: y + $0.1 * r) }
    }
    switch style.shape {
    case 0: circle(x, y, radius: r, name)
    case 1: rectangle(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, name)
    case 2: polygon(shape([(0, -1.25), (1.15, 0.85), (-1.15, 0.85)]), name)
    case 3: polygon(shape([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]), name)
    case 4: polygon(shape([(0, 1.25), (1.15, -0.85), (-1.15, -0.85)]), name)
    case 5: polygon(shape(Self.cross), name)
    case 6: polygon(shape(Self.cross.map { (0.75 * ($0 - $1), 0.75 * ($0 + $1)) }), name)
    default:
      polygon(shape([(0, -1.25), (1.2, -0.4), (0.75, 1.05), (-0.75, 1.05), (-1.2, -0.4)]), name)
    }
  }

  private static let cross: [(Double, Double)] = [
    (-0.42, -1.25), (0.42, -1.25), (0.42, -0.42), (1.25, -0.42), (1.25, 0.42), (0.42, 0.42),
    (0.42, 1.25), (-0.42, 1.25), (-0.42, 0.42), (-1.25, 0.42), (-1.25, -0.42), (-0.42, -0.42),
  ]
}
