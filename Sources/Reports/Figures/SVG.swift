/// A drawing in SVG, written element by element.
struct SVG {
  private let width: Double
  private let height: Double
  private let title: String
  private var body = ""

  init(width: Double, height: Double, title: String) {
    self.width = width
    self.height = height
    self.title = title
  }

  /// The whole file.
  var text: String {
    let size = "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
    let box = "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" \(size) \(box) role="img">
      <title>\(Escaping.xml(title))</title>
      <style>
      \(Theme.styleSheet)</style>
      <rect class="paper" width="100%" height="100%"/>
      \(body)</svg>

      """
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    add("line", ["x1": x1, "y1": y1, "x2": x2, "y2": y2], style)
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String
  ) {
    add("rect", ["x": x, "y": y, "width": width, "height": height], style)
  }

  /// A rectangle's border without its inside.
  mutating func outline(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    rectangle(x, y, width, height, "outline")
  }

  /// A cell in the colour of a score: the fuller, the nearer to perfect.
  mutating func heat(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, share: Double
  ) {
    let opacity = NumberText.fixed(min(1, max(0, share)), 2)
    let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
    let size = "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
    body += "<rect class=\"heat\" \(place) \(size) fill-opacity=\"\(opacity)\"/>\n"
  }

  mutating func circle(_ x: Double, _ y: Double, radius: Double, _ style: String) {
    add("circle", ["cx": x, "cy": y, "r": radius], style)
  }

  mutating func polyline(_ points: [Point], _ style: String) {
    body += "<polyline class=\"\(style)\" points=\"\(Self.list(points))\"/>\n"
  }

  mutating func polygon(_ points: [Point], _ style: String) {
    body += "<polygon class=\"\(style)\" points=\"\(Self.list(points))\"/>\n"
  }

  /// Writes one line of text.
  ///
  /// - Parameters:
  ///   - text: Any text; it is escaped.
  ///   - x: Where it starts, or its middle or end for the styles of that name.
  ///   - y: The base line.
  ///   - style: Names of the style sheet.
  ///   - isUpright: Whether the line runs from bottom to top.
  mutating func text(
    _ text: String, _ x: Double, _ y: Double, _ style: String = "", isUpright: Bool = false
  ) {
    let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
    let turn = isUpright ? " transform=\"rotate(-90 \(Self.number(x)) \(Self.number(y)))\"" : ""
    let name = style.isEmpty ? "" : " class=\"\(style)\""
    body += "<text \(place)\(name)\(turn)>\(Escaping.xml(text))</text>\n"
  }

  private mutating func add(
    _ element: String, _ attributes: KeyValuePairs<String, Double>, _ style: String
  ) {
    let list = attributes.map { " \($0)=\"\(Self.number($1))\"" }.joined()
    body += "<\(element) class=\"\(style)\"\(list)/>\n"
  }

  private static func list(_ points: [Point]) -> String {
    points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
  }

  private static func number(_ value: Double) -> String {
    let text = NumberText.fixed(value.isFinite ? value : 0, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// A place in a drawing or a plot.
struct Point: Hashable {
  let x: Double
  let y: Double
}

/// The width of a text in the drawings' font, near enough for layout.
func estimatedWidth(_ text: String, size: Double = 12) -> Double {
  text.reduce(0) { width, character in
    let share =
      switch character {
      case "i", "j", "l", "t", "f", "r", "I", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")": 0.32
      case "m", "w", "M", "W", "@", "%": 0.9
      case "A"..."Z", "=", "+", "–", "×": 0.68
      default: displayWidth(String(character)) > 1 ? 1.05 : 0.57
      }
    return width + share * size
  }
}

/// The text or, where it is wider, its start with an ellipsis.
func shortened(_ text: String, to width: Double, size: Double = 12) -> String {
  if estimatedWidth(text, size: size) <= width { return text }
  var start = text
  while !start.isEmpty, estimatedWidth(start + "…", size: size) > width { start.removeLast() }
  return start + "…"
}

/// The text in lines that fit, broken between words; a word that is wider is shortened.
func broken(_ text: String, to width: Double, size: Double = 12) -> [String] {
  var lines: [String] = []
  for word in text.split(separator: " ") {
    let longer = lines.last.map { "\($0) \(word)" }
    if let longer, estimatedWidth(longer, size: size) <= width {
      lines[lines.count - 1] = longer
    } else {
      lines.append(shortened(String(word), to: width, size: size))
    }
  }
  return lines
}
