import Configuration

/// A value for a path of the cell, from an axis or from the command line.
struct Assignment: Sendable, Hashable {
  let path: ConfigPath
  let value: ConfigNode
}

extension ConfigNode {
  /// The part of a cell with an assignment's value in its place.
  ///
  /// - Parameters:
  ///   - part: What the part holds so far; nil where it is left to its defaults.
  ///   - assignment: A path into the part, and its value.
  /// - Returns: The changed part.
  /// - Throws: `GridError` where the path leads nowhere.
  static func part(
    _ part: ConfigNode?, with assignment: Assignment
  ) throws(GridError) -> ConfigNode {
    let path = assignment.path
    if path.part == .task, path.keys.isEmpty { try part?.checkSplits(of: assignment.value) }
    var result = try replacing(part, path: path, depth: 0, by: assignment.value)
    let renames: Bool
    switch path.part {
    case .task: renames = path.keys.isEmpty || path.keys == ["name"]
    case .model: renames = [[], ["mixer"], ["mixer", "name"]].contains(path.keys)
    default: renames = false
    }
    // A label names what it was written for; what replaces that, has a label of its own or none.
    if renames, let old = part?["label"], result["label"]?.position == old.position {
      result.remove("label")
    }
    return result
  }

  private static func replacing(
    _ node: ConfigNode?, path: ConfigPath, depth: Int, by value: ConfigNode
  ) throws(GridError) -> ConfigNode {
    let isTask = path.part == .task && depth == 0
    let isMixer = path.part == .model && path.keys.prefix(depth) == ["mixer"]
    let node = isTask || isMixer ? node?.expandedName : node
    guard depth < path.keys.count else { return node?.overlaid(by: value, under: path) ?? value }
    let key = path.keys[depth]
    var result = try container(node, of: path, depth: depth)
    let child = try replacing(result[key], path: path, depth: depth + 1, by: value)
    result.dropRival(of: key, in: path, depth: depth)
    result.set(key, child, keyPosition: path.position)
    return result
  }

  /// The mapping that a path goes on into; an empty one where there is nothing yet.
  private static func container(
    _ node: ConfigNode?, of path: ConfigPath, depth: Int
  ) throws(GridError) -> ConfigNode {
    guard let node, node.content != .empty else {
      return ConfigNode(.mapping([]), at: path.position)
    }
    guard node.entries != nil else {
      let parent = ([path.part.rawValue] + path.keys.prefix(depth)).joined(separator: ".")
      throw GridError(
        path.position, "the path '\(path.text)' leads nowhere",
        help: "'\(parent)' is \(node.found) (\(node.position.short))")
    }
    return node
  }

  /// `mqar` written out as `{name: mqar}`, so that settings can be merged over it.
  private var expandedName: ConfigNode {
    guard text != nil else { return self }
    return ConfigNode(
      .mapping([ConfigEntry(key: "name", keyPosition: position, value: self)]), at: position)
  }

  /// The node with another merged over it: mappings key by key, everything else as a whole.
  ///
  /// An object that has a `name` replaces what was there, and so does a range.
  private func overlaid(by over: ConfigNode, under path: ConfigPath) -> ConfigNode {
    guard let added = over.entries, entries != nil, !isRange, !over.isRange,
      !added.contains(where: { $0.key == "name" })
    else { return over }
    var result = self
    if path.part == .model, path.keys.isEmpty {
      for key in added.map(\.key) { result.dropRival(of: key, in: path, depth: 0) }
    }
    for entry in added {
      let below = path.part == .model && path.keys.isEmpty && entry.key == "mixer"
      let old = below ? result[entry.key]?.expandedName : result[entry.key]
      let value = old?.overlaid(by: entry.value, under: path) ?? entry.value
      result.set(entry.key, value, keyPosition: entry.keyPosition)
    }
    return result
  }

  /// Checks that no split of a task is lost where another one replaces it: its lengths would silently
  /// be those that the task has by itself.
  private func checkSplits(of task: ConfigNode) throws(GridError) {
    guard task["name"] != nil else { return }
    let lost = ["train", "validation", "test"].filter { self[$0] != nil && task[$0] == nil }
    guard let first = lost.first else { return }
    throw GridError(
      task.position,
      "this task replaces the baseline's, which has '\(lost.joined(separator: "', '"))'",
      help: "a task with a name takes nothing over; give '\(first)' here too, or '\(first): {}'")
  }

  /// Removes `width` for `match`, and the other way round: the later statement decides.
  private mutating func dropRival(of key: String, in path: ConfigPath, depth: Int) {
    guard path.part == .model, depth == 0 else { return }
    if key == "width" { remove("match") }
    if key == "match" { remove("width") }
  }

  private mutating func set(_ key: String, _ value: ConfigNode, keyPosition: SourcePosition) {
    guard case .mapping(var entries) = content else { return }
    let entry = ConfigEntry(key: key, keyPosition: keyPosition, value: value)
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index] = entry
    } else {
      entries.append(entry)
    }
    content = .mapping(entries)
  }

  private mutating func remove(_ key: String) {
    guard case .mapping(var entries) = content else { return }
    entries.removeAll { $0.key == key }
    content = .mapping(entries)
  }
}
