/// A setting that cannot be accepted: its name, what was found and what would be right.
///
/// It knows no file; whoever read the file adds file, line and column.
public struct SettingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The setting at fault; empty where the fault is not one setting's.
  public let setting: String
  public let problem: String
  /// What would be right.
  public let help: String

  public init(_ setting: String, _ problem: String, help: String = "") {
    self.setting = setting
    self.problem = problem
    self.help = help
  }

  public var description: String { help.isEmpty ? problem : problem + "; " + help }
}

/// The candidate nearest to a misspelt name, or nil where none is near.
///
/// Near means an edit distance of at most a third of the longer name (and at least two edits).
public func nearestName(to wanted: String, among candidates: some Sequence<String>) -> String? {
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(wanted.lowercased(), candidate.lowercased())
    let limit = max(2, max(wanted.count, candidate.count) / 3)
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.name
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two texts.
func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first.unicodeScalars)
  let b = Array(second.unicodeScalars)
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var cost = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, rows[i - 1][j - 1] + 1)
      }
      row.append(cost)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
