/// One of the sections of a grid that vary its cells.
enum AxisSection: String, CaseIterable, Sendable {
  case product, each, zip, tune
}

/// A path and the values that it takes.
struct Axis: Sendable, Hashable {
  let section: AxisSection
  let path: ConfigPath
  let values: [ConfigNode]
}

extension Axis {
  /// Reads the axes of a section.
  static func read(_ node: ConfigNode, section: AxisSection) throws(GridError) -> [Axis] {
    let example = "a mapping from paths to lists, such as 'model.width: [64, 128]'"
    let entries = try node.mapping(section.rawValue, example)
    guard !entries.isEmpty else { throw node.wrong(section.rawValue, example) }
    var axes: [Axis] = []
    for entry in entries {
      let path = try ConfigPath(entry.key, at: entry.keyPosition)
      if section == .tune { try checkTuned(path) }
      axes.append(Axis(section: section, path: path, values: try values(entry)))
    }
    if section == .zip { try checkLengths(axes, entries) }
    return axes
  }

  private static func values(_ entry: ConfigEntry) throws(GridError) -> [ConfigNode] {
    let key = entry.key.shortened
    guard let values = entry.value.elements else {
      let isScalar = if case .scalar = entry.value.content { true } else { false }
      let example = isScalar ? "[\(entry.value.found)]" : "[64, 128]"
      throw GridError(
        entry.value.position, "the axis '\(key)' is \(entry.value.found)",
        help: "it must be the list of its values, such as \(example)")
    }
    guard !values.isEmpty else {
      throw GridError(
        entry.value.position, "the axis '\(key)' has no values", help: "give at least one")
    }
    for value in values where value.content == .empty {
      throw GridError(value.position, "a value of the axis '\(key)' is empty")
    }
    return values
  }

  /// Only what can be chosen on validation without changing what is compared.
  private static func checkTuned(_ path: ConfigPath) throws(GridError) {
    let fixed = ["mixer", "match", "label"]
    guard path.keys.count == 1, path.part == .training || path.part == .model,
      !fixed.contains(path.name)
    else {
      throw GridError(
        path.position, "'\(path.text)' cannot be tuned",
        help: "single settings of 'training' and 'model' are chosen on validation; compare other "
          + "values under 'product'")
    }
  }

  private static func checkLengths(_ axes: [Axis], _ entries: [ConfigEntry]) throws(GridError) {
    for (axis, entry) in zip(axes, entries) where axis.values.count != axes[0].values.count {
      throw GridError(
        entry.value.position,
        "the zipped axes differ in length: '\(axis.path.text)' has \(axis.values.count) values, "
          + "'\(axes[0].path.text)' has \(axes[0].values.count)",
        help: "they move together, so each needs as many as the others")
    }
  }
}

// MARK: - Conflicts

extension Axis {
  /// Refuses axes that would overwrite each other: the same path twice, or an element of one
  /// axis that holds the path of another.
  static func checkConflicts(_ axes: [Axis]) throws(GridError) {
    for (index, axis) in axes.enumerated() {
      for other in axes[..<index] where other.path.target == axis.path.target {
        throw GridError(
          axis.path.position,
          "'\(axis.path.text)' is already set by '\(other.path.text)' under '\(other.section)' "
            + "(\(other.path.position.short))", help: "a setting can be in one axis only")
      }
      for other in axes where !(other.section == .each && axis.section == .each) {
        try axis.checkElements(against: other)
      }
    }
  }

  /// Refuses elements of this axis that set what the other, finer axis sets.
  private func checkElements(against other: Axis) throws(GridError) {
    let rest = other.path.target.dropFirst(path.target.count)
    guard other.path.target.starts(with: path.target), !rest.isEmpty else { return }
    for value in values {
      guard let place = value.place(of: rest) else { continue }
      throw GridError(
        place,
        "'\(other.path.text)' is also an axis of its own under '\(other.section)' "
          + "(\(other.path.position.short))", help: "give the value here or there, not both")
    }
  }
}

extension ConfigNode {
  /// Where a mapping gives the value that the keys lead to; nil where it does not.
  fileprivate func place(of keys: ArraySlice<String>) -> SourcePosition? {
    guard let key = keys.first, let entries else { return nil }
    let rivals = key == "width" ? ["width", "match"] : [key]
    guard let entry = entries.first(where: { rivals.contains($0.key) }) else { return nil }
    return keys.count == 1 ? entry.keyPosition : entry.value.place(of: keys.dropFirst())
  }
}
