import Records

/// The names of a group's row and column.
struct GroupNames: Hashable {
  let task: String
  let model: String
}

/// The settings that tell apart different tests under one label, by label.
///
/// Scores stand in one table, and are subtracted from each other, only where they are of the same
/// test examples. A grid sees to that for its own cells, but a store may also have cells of an
/// earlier grid and models trained elsewhere, and several stores may use one label each in its way.
struct TestPaths {
  private let paths: [String: Set<String>]

  init(_ groups: [Group]) {
    paths = Dictionary(grouping: groups, by: \.labels.task).mapValues { members in
      Group.differingPaths(members).filter(Self.isOfTest)
    }
  }

  subscript(label: String) -> Set<String> { paths[label] ?? [] }

  private static func isOfTest(_ path: String) -> Bool {
    ["task.name", "task.version", "task.metric"].contains(path) || path.hasPrefix("task.test.")
  }
}

extension Group {
  /// Names for all groups such that no two have the same task and model, and that those of one task
  /// were tested on the same examples.
  ///
  /// Labels suffice where a grid chose them well. Where several groups share both labels, the
  /// settings in which they differ are added.
  ///
  /// - Parameters:
  ///   - groups: The groups.
  ///   - tests: What tells tests apart under one label, also of groups that are named elsewhere.
  /// - Returns: The names, in the order of the groups.
  static func names(_ groups: [Group], tests: TestPaths) -> [GroupNames] {
    var taskPaths: [String: Set<String>] = [:]
    var modelPaths: [String: Set<String>] = [:]
    for label in Set(groups.map(\.labels.task)) { taskPaths[label] = tests[label] }
    for (labels, members) in Dictionary(grouping: groups, by: \.labels) where members.count > 1 {
      for path in differingPaths(members) {
        if path.hasPrefix("task.") {
          taskPaths[labels.task, default: []].insert(path)
        } else {
          modelPaths[labels.model, default: []].insert(path)
        }
      }
    }
    return groups.map { group in
      GroupNames(
        task: group.name(group.labels.task, with: taskPaths[group.labels.task] ?? []),
        model: group.name(group.labels.model, with: modelPaths[group.labels.model] ?? []))
    }
  }

  fileprivate static func differingPaths(_ groups: [Group]) -> Set<String> {
    let paths = groups.reduce(into: Set<String>()) { $0.formUnion($1.settings.values.keys) }
    return paths.filter { path in
      groups.contains { $0.settings.values[path] != groups[0].settings.values[path] }
    }
  }

  /// The label with "setting=value" for each path.
  ///
  /// One that repeats (a setting of the training, validation and test data alike) is written once.
  private func name(_ label: String, with paths: Set<String>) -> String {
    var parts: [String] = []
    for path in paths.sorted() {
      let part = "\(lastComponent(path))=\(settings.values[path] ?? "none")"
      if !parts.contains(part) { parts.append(part) }
    }
    return ([label] + parts).joined(separator: " ")
  }
}
