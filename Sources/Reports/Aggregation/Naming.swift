import Records

/// The names of a group's row and column.
struct GroupNames: Hashable {
  let task: String
  let model: String
}

extension Group {
  /// Names for all groups such that no two have the same task and model.
  ///
  /// Labels suffice where a grid chose them well. Where several groups share both labels, the
  /// settings in which they differ are added.
  static func names(_ groups: [Group]) -> [GroupNames] {
    var taskPaths: [String: Set<String>] = [:]
    var modelPaths: [String: Set<String>] = [:]
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

  private static func differingPaths(_ groups: [Group]) -> Set<String> {
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
