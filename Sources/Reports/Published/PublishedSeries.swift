/// The published points of one architecture, and how they are drawn.
struct PublishedSeries {
  let name: String
  let style: SeriesStyle
  let points: [PublishedPoint]

  var legend: String { name + ", published" }

  /// Its points on a task.
  func points(on task: TaskReport) -> [PublishedPoint] {
    points.filter { $0.task == nil || $0.task == task.name }
      .sorted { ($0.stateBytes, $0.score) < ($1.stateBytes, $1.score) }
  }

  func drawn(in task: TaskReport) -> LineFigure.Series {
    .init(
      name: legend, style: style,
      samples: points(on: task).map { .init(x: Double($0.stateBytes), y: $0.score) })
  }
}

extension Report {
  /// The published points by series, in the order of the file.
  ///
  /// A series has the colour of the one of ours with the same name but for signs and capitals.
  var publishedSeries: [PublishedSeries] {
    guard let published else { return [] }
    var order: [String] = []
    var members: [String: [PublishedPoint]] = [:]
    for point in published {
      if members[point.series] == nil { order.append(point.series) }
      members[point.series, default: []].append(point)
    }
    func plain(_ name: String) -> String {
      String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    }
    let ours = seriesStyles
    let known = Dictionary(ours.map { (plain($0.name), $0.style) }) { first, _ in first }
    var free = ours.count
    return order.map { name in
      var style = known[plain(name)] ?? SeriesStyle(index: free)
      if known[plain(name)] == nil { free += 1 }
      style.isHollow = true
      return PublishedSeries(name: name, style: style, points: members[name] ?? [])
    }
  }

  /// Where the published points are from, each source once.
  var publishedSources: [String] { Self.once((published ?? []).map(\.source)) }

  /// Where the published scores are from.
  var scoreSources: [String] { Self.once(tasks.flatMap { ($0.published ?? []).map(\.source) }) }

  private static func once(_ sources: [String]) -> [String] {
    var known: Set<String> = []
    return sources.filter { !$0.isEmpty && known.insert($0).inserted }
  }
}
