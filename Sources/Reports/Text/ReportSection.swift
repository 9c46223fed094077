/// A table of a task and what stands above it; the first table stands right below the task's name.
struct ReportSection {
  let heading: String?
  let table: TextTable

  init(_ heading: String?, _ table: TextTable) {
    self.heading = heading
    self.table = table
  }
}

extension TaskReport {
  /// All tables of the task, for every format that shows them below each other.
  var sections: [ReportSection] {
    var sections = [ReportSection(nil, details(throughput: false))]
    if let table = publishedTable { sections.append(.init("Beside published scores", table)) }
    if let table = learnabilityTable { sections.append(.init("Learnability", table)) }
    sections += sliceNames.map { .init("By \($0)", slices($0)) }
    if let table = segmentTable { sections.append(.init("By test segment", table)) }
    for (place, axes) in (grids ?? []).enumerated() {
      for result in results {
        guard let table = grid(place, of: result) else { continue }
        sections.append(.init("By \(axes.rows) and \(axes.columns): \(result.model)", table))
      }
    }
    return sections
  }
}
