import Configuration
import Records

/// A configuration as a flat list of settings by path.
struct Settings: Hashable {
  /// The settings by path, without the seed; a range is one setting, "3–40".
  let values: [String: String]

  /// The settings of a cell, with the versions of what made its numbers and the metric that they
  /// are read by: numbers of different versions or metrics are compared, never averaged.
  init(_ configuration: CellConfiguration, _ versions: CellVersions, metric: String) {
    var values = [
      "program": versions.program, "task.version": String(versions.task), "task.metric": metric,
    ]
    for (mixer, version) in versions.mixers { values["model.version.\(mixer)"] = String(version) }
    for leaf in JSONText.leaves(RecordCoding.compact(configuration)) where leaf.path != "seed" {
      values[leaf.path] = leaf.text
    }
    for (path, from) in values where path.hasSuffix(".from") {
      let owner = String(path.dropLast(5))
      guard let to = values[owner + ".to"] else { continue }
      values[path] = nil
      values[owner + ".to"] = nil
      values[owner] = "\(from)–\(to)"
    }
    self.values = values
  }

  private init(values: [String: String]) { self.values = values }

  /// The settings at a path.
  func values(at path: SettingPath) -> [String] {
    values.filter { path.leads(to: $0.key) }.sorted { $0.key < $1.key }.map(\.value)
  }

  func without(_ paths: [SettingPath]) -> Settings {
    Settings(values: values.filter { entry in !paths.contains { $0.leads(to: entry.key) } })
  }
}

/// A path of a grid, which crosses lists without an index.
struct SettingPath {
  let text: String
  private let inside: String
  private let components: [Substring]
  /// The first component with its dot: most settings differ there already.
  private let opening: String

  init(_ text: String) {
    self.text = text
    inside = text + "."
    components = text.split(separator: ".")
    opening = (components.first ?? "") + "."
  }

  /// Whether a setting's own path lies at this one or within it.
  func leads(to leaf: String) -> Bool {
    if leaf == text || leaf.hasPrefix(inside) { return true }
    guard leaf.hasPrefix(opening) else { return false }
    return leaf.split(separator: ".").filter { Int($0) == nil }.starts(with: components)
  }
}

/// The order of settings: numbers by size before texts by letters.
func settingPrecedes(_ first: String, _ second: String) -> Bool {
  switch (Double(first), Double(second)) {
  case (let a?, let b?): a < b
  case (nil, nil): first < second
  case (let a, _): a != nil
  }
}

/// The order of lists of settings: the first that differ decide.
func settingsPrecede(_ first: [String], _ second: [String]) -> Bool {
  for (a, b) in zip(first, second) where a != b { return settingPrecedes(a, b) }
  return first.count < second.count
}
