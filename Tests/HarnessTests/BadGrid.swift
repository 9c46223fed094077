import Configuration
import Harness
import Testing

/// A grid that must be refused, and the one line that says why.
struct BadGrid: Sendable, CustomTestStringConvertible {
  let title: String
  let text: String
  let refusal: String
  let options: GridOptions

  init(_ title: String, _ text: String, refusal: String, options: GridOptions = GridOptions()) {
    self.title = title
    self.text = text
    self.refusal = refusal
    self.options = options
  }

  var testDescription: String { title }

  static let all = syntax + section + value + axis + combination + option + long
}

extension BadGrid {
  /// Reads cases from a text: `== title`, options after `!!`, the grid, and `-> refusal`.
  static func cases(_ text: String) -> [BadGrid] {
    var result: [BadGrid] = []
    var title = ""
    var lines: [Substring] = []
    var options = GridOptions()
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("== ") {
        (title, lines, options) = (String(line.dropFirst(3)), [], GridOptions())
      } else if line.hasPrefix("!! ") {
        add(line.dropFirst(3), to: &options)
      } else if line.hasPrefix("-> ") {
        let grid = lines.joined(separator: "\n") + "\n"
        result.append(
          BadGrid(title, grid, refusal: String(line.dropFirst(3)), options: options))
      } else {
        lines.append(line)
      }
    }
    return result
  }

  private static func add(_ option: Substring, to options: inout GridOptions) {
    let words = option.split(separator: " ", maxSplits: 1)
    let value = String(words[1])
    switch words[0] {
    case "--set": options.overrides.append(value)
    case "--only": options.only.append(value)
    default: options.seeds = value
    }
  }
}

// MARK: - Long texts

extension BadGrid {
  /// Grids whose size or depth is what is wrong with them.
  static let long: [BadGrid] = [
    BadGrid(
      "an empty file", "",
      refusal: "g.yaml:1:1: the grid is empty; it needs at least 'name' and 'baseline'"),
    BadGrid(
      "deep nesting",
      "name: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
      refusal: "g.yaml:1:22: lists and mappings are nested too deeply; at most 16 levels are read"),
    BadGrid(
      "very deep nesting",
      "name: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
      refusal: "g.yaml:1:22: lists and mappings are nested too deeply; at most 16 levels are read"),
    BadGrid(
      "nesting without end", "name: " + String(repeating: "[", count: 5000),
      refusal: "g.yaml:1:8: lists and mappings are nested too deeply; at most 16 levels are read"),
    BadGrid(
      "a text too long", "name: g\ndescription: " + String(repeating: "a", count: 201),
      refusal: "g.yaml:2:14: a text is longer than 200 characters; nothing in a grid needs so "
        + "long a text"),
    BadGrid(
      "a file too large", "name: g\n" + String(repeating: "# and so on\n", count: 25_000),
      refusal: "g.yaml:1:1: the text has 300008 bytes; at most 262144 are read"),
    BadGrid(
      "an alias bomb", bomb(width: 9, depth: 9),
      refusal: "g.yaml:3:20: more than 12 words start with '*'; that marks an alias, and aliases "
        + "are not part of the grid format"),
    BadGrid(
      "an alias bomb in a key", bomb(width: 2, depth: 6) + "? *f\n: 1\n",
      refusal: "g.yaml:1:4: anchors and aliases (&, *) are not part of the grid format; write the "
        + "value out, or put a text with these signs in quotes"),
    BadGrid(
      "a grid too large",
      product([("seed", 0..<60), ("model.width", 64..<124), ("training.steps", 1..<61)]),
      refusal: "g.yaml:6:3: the grid has 216000 cells; at most 100000 are planned"),
    BadGrid(
      "a grid of uncountable size",
      product(TrainingConfiguration.declared.map { ("training.\($0.name)", 1..<101) }),
      refusal: "g.yaml:6:3: the grid has too many cells; at most 100000 are planned"),
  ]

  /// Lists of aliases of lists of aliases, with `width` to the power of `depth` elements.
  private static func bomb(width: Int, depth: Int) -> String {
    let names = Array("abcdefghijklmnop").map(String.init)
    let lines = (0..<depth).map { level in
      let element = level == 0 ? "x" : "*\(names[level - 1])"
      let list = Array(repeating: element, count: width).joined(separator: ", ")
      return "\(names[level]): &\(names[level]) [\(list)]\n"
    }
    return lines.joined()
  }

  private static func product(_ axes: [(path: String, values: Range<Int>)]) -> String {
    let lines = axes.map {
      "  \($0.path): [\($0.values.map(String.init).joined(separator: ", "))]\n"
    }
    return "name: g\nbaseline:\n  task: mqar\n  model: {mixer: gru}\nproduct:\n" + lines.joined()
  }
}
