/// The points that no other beats at as small an x.
enum ParetoFront {
  static func of(_ points: [Point], isHigherBetter: Bool) -> [Point] {
    let sign = isHigherBetter ? 1.0 : -1
    let sorted = points.sorted { ($0.x, -sign * $0.y) < ($1.x, -sign * $1.y) }
    var front: [Point] = []
    for point in sorted {
      if let last = front.last, sign * point.y <= sign * last.y { continue }
      front.append(point)
    }
    return front
  }

  /// The line that holds each score up to the next better one.
  static func steps(_ front: [Point], to end: Double) -> [Point] {
    var steps: [Point] = []
    for point in front {
      if let last = steps.last { steps.append(Point(x: point.x, y: last.y)) }
      steps.append(point)
    }
    if let last = steps.last { steps.append(Point(x: end, y: last.y)) }
    return steps
  }
}
