import Configuration

/// One `--only` option: a key and the patterns of which a cell must match one.
struct CellFilter: Sendable {
  enum Key: String, CaseIterable, Sendable { case task, architecture, model, seed, label }

  let key: Key
  private(set) var patterns: [String]
  let position: SourcePosition
  /// All that stands after the '='.
  private let value: String

  init(_ text: String) throws(GridError) {
    let (name, value) = try GridOptions.pair(
      text, option: "--only", example: "'architecture=delta-net'")
    position = SourcePosition("--only \(text.shortened)")
    guard let key = Key(rawValue: name) else {
      let known = Key.allCases.map(\.rawValue)
      let nearest = nearestName(to: name, among: known).map { "did you mean '\($0)'? " } ?? ""
      throw GridError(
        position, "unknown key '\(name.shortened)'",
        help: nearest + "cells are chosen by " + known.joined(separator: ", "), status: .usage)
    }
    self.key = key
    self.value = value
    patterns = value.split(separator: ",").map { String($0.drop { $0 == " " }) }
      .filter { !$0.isEmpty }
    guard !patterns.isEmpty else {
      throw GridError(
        position, "there is nothing after '='", help: "a * matches all", status: .usage)
    }
    if key == .seed { try checkSeeds() }
  }

  private func checkSeeds() throws(GridError) {
    for pattern in patterns where pattern != "*" && SeedList.values(pattern) == nil {
      throw GridError(
        position, "'\(pattern.shortened)' is not a seed", help: "write 3 or 0..4", status: .usage)
    }
  }

  func matches(_ cell: PlannedCell) -> Bool {
    if key == .seed { return matches(seed: cell.configuration.seed) }
    let names = names(of: cell)
    return patterns.contains { pattern in names.contains { Self.matches($0, pattern) } }
  }

  private func matches(seed: Int) -> Bool {
    patterns.contains { $0 == "*" || SeedList.values($0)?.contains(seed) == true }
  }

  /// What the patterns are compared with.
  private func names(of cell: PlannedCell) -> [String] {
    switch key {
    case .task: return [cell.configuration.task.name, cell.taskLabel]
    case .architecture, .model:
      let mixers = cell.configuration.model.mixers.map(\.name)
      return mixers + [mixers.joined(separator: "+"), cell.modelLabel]
    case .label: return [cell.taskLabel, cell.modelLabel]
    case .seed: return [String(cell.configuration.seed)]
    }
  }

  /// The filter for some cells: a text with commas is no list where it is the name of one.
  private func read(for cells: [PlannedCell]) -> CellFilter {
    guard key != .seed, value.contains(",") else { return self }
    var whole = self
    whole.patterns = [value]
    return cells.contains(where: whole.matches) ? whole : self
  }

  /// Whether a text is what a pattern describes, in which each `*` stands for any characters.
  static func matches(_ text: String, _ pattern: String) -> Bool {
    let text = Array(text)
    let pattern = Array(pattern)
    var (index, place) = (0, 0)
    var retry: (star: Int, index: Int)?
    while index < text.count {
      if place < pattern.count, pattern[place] == "*" {
        retry = (place, index)
        place += 1
      } else if place < pattern.count, pattern[place] == text[index] {
        index += 1
        place += 1
      } else if let last = retry {
        retry = (last.star, last.index + 1)
        (place, index) = (last.star + 1, last.index + 1)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == "*" }
  }
}

extension CellFilter {
  /// The cells that match every filter.
  static func select(
    _ cells: [PlannedCell], _ filters: [CellFilter]
  ) throws(GridError) -> [PlannedCell] {
    let filters = filters.map { $0.read(for: cells) }
    for filter in filters where !cells.contains(where: filter.matches) {
      throw filter.selectsNothing(of: cells)
    }
    let selected = cells.filter { cell in filters.allSatisfy { $0.matches(cell) } }
    guard let last = filters.last, selected.isEmpty else { return selected }
    throw GridError(last.position, "no cell matches this and the other --only options")
  }

  private func selectsNothing(of cells: [PlannedCell]) -> GridError {
    let most = 20
    var known: [String] = []
    for cell in cells where known.count <= most {
      for name in names(of: cell) where !known.contains(name) { known.append(name) }
    }
    let more = known.count > most ? ", …" : ""
    return GridError(
      position, "no cell matches",
      help: "the grid has: " + known.prefix(most).joined(separator: ", ") + more)
  }
}
