/// A table for terminals and Markdown: names to the left, numbers to the right.
public struct TextTable: Sendable {
  public enum Alignment: Sendable { case left, right }

  /// How a cell is set off.
  public enum Style: Sendable { case plain, strong, faint }

  public struct Column: Sendable {
    public var heading: String
    public var alignment: Alignment

    public init(_ heading: String, _ alignment: Alignment = .right) {
      self.heading = heading
      self.alignment = alignment
    }
  }

  public struct Cell: Sendable, ExpressibleByStringLiteral {
    public var text: String
    public var style: Style

    public init(_ text: String, _ style: Style = .plain) {
      self.text = text
      self.style = style
    }

    public init(stringLiteral text: String) { self.init(text) }
  }

  /// The columns; the first names the row.
  public var columns: [Column]
  public private(set) var rows: [[Cell]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row, which has a cell for every column.
  public mutating func add(_ row: [Cell]) {
    precondition(row.count == columns.count, "a row of \(row.count) in \(columns.count) columns")
    rows.append(row)
  }
}

// MARK: - Terminal

extension TextTable {
  private static let gap = "  "

  /// The table as lines of text, with a newline at the end.
  ///
  /// Columns that do not fit go to further blocks below, each with the first column again; nothing
  /// is cut off.
  ///
  /// - Parameters:
  ///   - width: The characters of a line.
  ///   - colour: Whether to use ANSI colours.
  /// - Returns: The text.
  public func text(width: Int, colour: Bool) -> String {
    return aligned.blocksText(width: width, colour: colour)
  }

  private func blocksText(width: Int, colour: Bool) -> String {
    let widths = columns.indices.map(columnWidth)
    return blocks(width: width, widths).map { block in
      let heading = line(block, widths) { Cell(columns[$0].heading, .strong) }
      let rule = line(block, widths) { Cell(String(repeating: "─", count: widths[$0]), .faint) }
      let body = rows.map { row in line(block, widths) { row[$0] } }
      return ([heading, rule] + body).map { $0.text(colour: colour) + "\n" }.joined()
    }.joined(separator: "\n")
  }

  /// The table with spaces after numbers that have no "±" in a column where others have one, so
  /// that the numbers stand below each other.
  private var aligned: TextTable {
    var table = self
    for column in columns.indices where columns[column].alignment == .right {
      let errors = rows.map { row in row[column].text.drop { $0 != "±" }.count }
      guard let longest = errors.max(), longest > 0 else { continue }
      for row in rows.indices where errors[row] == 0 && !rows[row][column].text.isEmpty {
        table.rows[row][column].text += String(repeating: " ", count: longest + 1)
      }
    }
    return table
  }

  private func columnWidth(_ column: Int) -> Int {
    let cells = rows.map { displayWidth(Escaping.line($0[column].text)) }
    return max(cells.max() ?? 0, displayWidth(Escaping.line(columns[column].heading)))
  }

  /// The columns of each block.
  private func blocks(width: Int, _ widths: [Int]) -> [[Int]] {
    var blocks: [[Int]] = []
    var block = [0]
    var used = widths[0]
    for column in columns.indices.dropFirst() {
      let needed = Self.gap.count + widths[column]
      if used + needed > width, block.count > 1 {
        blocks.append(block)
        block = [0]
        used = widths[0]
      }
      block.append(column)
      used += needed
    }
    return blocks + [block]
  }

  private struct Line {
    var parts: [Cell] = []

    func text(colour: Bool) -> String {
      var text = ""
      // A line without colours must not end in spaces.
      for (index, part) in parts.enumerated() {
        let isLast = index == parts.count - 1
        let shown = isLast ? String(part.text.trimmedEnd) : part.text
        text += colour ? Self.coloured(shown, part.style) : shown
      }
      return colour ? text : String(text.trimmedEnd)
    }

    private static func coloured(_ text: String, _ style: Style) -> String {
      switch style {
      case .plain: text
      case .strong: "\u{1B}[1m\(text)\u{1B}[0m"
      case .faint: "\u{1B}[2m\(text)\u{1B}[0m"
      }
    }
  }

  private func line(_ block: [Int], _ widths: [Int], _ cell: (Int) -> Cell) -> Line {
    var line = Line()
    for (index, column) in block.enumerated() {
      let cell = cell(column)
      let text = Escaping.line(cell.text)
      let padding = String(repeating: " ", count: max(0, widths[column] - displayWidth(text)))
      let padded = columns[column].alignment == .left ? text + padding : padding + text
      if index > 0 { line.parts.append(Cell(Self.gap)) }
      line.parts.append(Cell(padded, cell.style))
    }
    return line
  }
}

// MARK: - Markdown

extension TextTable {
  /// The table in Markdown, with a newline at the end.
  public func markdown() -> String {
    let heading = columns.map { Escaping.markdown($0.heading) }
    let rule = columns.map { $0.alignment == .left ? ":---" : "---:" }
    let body = rows.map { row in row.map(Self.markdown) }
    return ([heading, rule] + body).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }

  private static func markdown(_ cell: Cell) -> String {
    let text = Escaping.markdown(cell.text)
    if text.isEmpty { return text }
    switch cell.style {
    case .plain: return text
    case .strong: return "**\(text)**"
    case .faint: return "*\(text)*"
    }
  }
}

/// The columns that a text takes on a terminal: two for characters of East Asian scripts and
/// pictures, none for marks that join the character before.
func displayWidth(_ text: String) -> Int {
  text.reduce(0) { width, character in
    guard let scalar = character.unicodeScalars.first else { return width }
    return width + (isWide(scalar) ? 2 : 1)
  }
}

private func isWide(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
    true
  default: scalar.properties.isEmojiPresentation
  }
}

extension String {
  fileprivate var trimmedEnd: Substring {
    guard let last = lastIndex(where: { $0 != " " }) else { return "" }
    return self[...last]
  }
}
