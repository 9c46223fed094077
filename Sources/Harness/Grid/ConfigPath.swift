import Configuration

/// The parts of a cell.
enum CellPart: String, CaseIterable, Sendable {
  case task, model, training, seed
}

/// A dotted path to a setting of a cell, such as `model.mixer.heads`, and the place where it is
/// written.
struct ConfigPath: Sendable, Hashable {
  let part: CellPart
  /// What follows the part.
  let keys: [String]
  let position: SourcePosition

  var text: String { ([part.rawValue] + keys).joined(separator: ".") }
  /// The key that the path ends in.
  var name: String { keys.last ?? part.rawValue }

  /// The path of a whole part.
  init(_ part: CellPart, at position: SourcePosition) {
    self.part = part
    keys = []
    self.position = position
  }

  /// Reads a path, and checks as much of it as does not depend on the chosen task and mixers.
  init(_ text: String, at position: SourcePosition) throws(GridError) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let part = CellPart(rawValue: words[0]) else {
      throw Self.unknown(text, at: position)
    }
    self.part = part
    self.keys = Array(words.dropFirst())
    self.position = position
    guard !keys.contains("") else {
      throw GridError(position, "the path '\(text.shortened)' has an empty part")
    }
    try checkKeys()
  }

  private func checkKeys() throws(GridError) {
    switch part {
    case .task: break  // the names depend on the task, and are checked with it
    case .seed: try check(depth: 0, known: [])
    case .training: try check(depth: 1, known: TrainingConfiguration.declared.map(\.name))
    case .model:
      switch keys.first {
      case "mixer": try check(depth: 2, known: ["mixer"])
      case "match": try check(depth: 2, known: ["match"])
      default: try check(depth: 1, known: ModelReader.keys)
      }
    }
  }

  private func check(depth: Int, known: [String]) throws(GridError) {
    if let first = keys.first, depth > 0, !known.contains(first) {
      let paths = known.map { "\(part).\($0)" }
      let nearest = nearestName(to: text, among: paths).map { "did you mean '\($0)'? " } ?? ""
      throw GridError(
        position, "unknown path '\(text.shortened)'",
        help: nearest + "\(part) knows: " + known.joined(separator: ", "))
    }
    guard keys.count <= depth else {
      let parent = ([part.rawValue] + keys.prefix(depth)).joined(separator: ".")
      throw GridError(
        position, "unknown path '\(text.shortened)'", help: "'\(parent)' has no parts")
    }
  }

  private static func unknown(_ text: String, at position: SourcePosition) -> GridError {
    let training = TrainingConfiguration.declared.map { "training.\($0.name)" }
    let model = ModelReader.keys.map { "model.\($0)" }
    let common = ["task.name", "task.length", "task.train.examples"]
    let candidates = CellPart.allCases.map(\.rawValue) + training + model + common
    let lastWords = Dictionary(
      candidates.map { ($0.split(separator: ".").last.map(String.init) ?? $0, $0) },
      uniquingKeysWith: { first, _ in first })
    let nearest =
      lastWords[text] ?? nearestName(to: text, among: candidates)
      ?? nearestName(to: text, among: lastWords.keys.sorted()).flatMap { lastWords[$0] }
    let hint = nearest.map { "did you mean '\($0)'? " } ?? ""
    return GridError(
      position, "unknown path '\(text.shortened)'",
      help: hint + "a path starts with task, model, training or seed")
  }
}

// MARK: - Conflicts

extension ConfigPath {
  /// The path without its place, with what decides the width under one name: `model.match`
  /// solves for it, so both cannot be chosen by different axes.
  var target: [String] {
    part == .model && keys.first == "match" ? ["model", "width"] : [part.rawValue] + keys
  }

  /// Whether the path leads to the target or to something inside it.
  func isInside(_ target: [String]) -> Bool { self.target.starts(with: target) }
}
