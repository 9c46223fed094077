/// The names of lines, written beside their ends instead of in a legend.
enum EndLabels {
  static let lineHeight = 14.5

  /// Places for labels of a line's height each, as near to where they belong as they go.
  ///
  /// - Parameters:
  ///   - wanted: Where the labels belong.
  ///   - range: Where they may stand; it is left only where there is no room for all.
  /// - Returns: The place of each label, in their order.
  static func places(_ wanted: [Double], in range: ClosedRange<Double>) -> [Double] {
    var places = wanted
    var floor = range.lowerBound
    let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
    for index in order {
      places[index] = max(wanted[index], floor)
      floor = places[index] + lineHeight
    }
    var ceiling = max(range.upperBound, range.lowerBound + lineHeight * Double(wanted.count - 1))
    for index in order.reversed() {
      places[index] = min(places[index], ceiling)
      ceiling = places[index] - lineHeight
    }
    return places
  }
}
