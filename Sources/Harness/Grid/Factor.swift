/// One dimension of a plan: the alternatives of which every cell takes one.
struct Factor: Sendable {
  /// Values that are taken together; none for the baseline itself.
  typealias Option = [Assignment]

  let options: [Option]

  /// Whether an option of the factor touches a part of the cell.
  func touches(_ part: CellPart) -> Bool {
    options.contains { $0.contains { $0.path.part == part } }
  }

  /// The factors of a grid, in the order of its sections.
  ///
  /// - Parameters:
  ///   - axes: All axes of the grid.
  ///   - seeds: Seeds that take the place of those in the grid.
  /// - Returns: The factors, of which every cell takes one option each.
  static func all(of axes: [Axis], seeds: [ConfigNode]?) -> [Factor] {
    let axes = seeds == nil ? axes : axes.filter { $0.path.part != .seed }
    var factors: [Factor] = []
    for section in AxisSection.allCases {
      factors += combined(axes.filter { $0.section == section }, section)
    }
    if let seeds {
      factors.append(
        Factor(
          options: seeds.map { seed in
            [Assignment(path: ConfigPath(.seed, at: seed.position), value: seed)]
          }))
    }
    return factors
  }

  private static func combined(_ axes: [Axis], _ section: AxisSection) -> [Factor] {
    guard let first = axes.first else { return [] }
    switch section {
    case .product, .tune:
      return axes.map { axis in Factor(options: axis.options) }
    case .each:
      return [Factor(options: [[]] + axes.flatMap(\.options))]
    case .zip:
      let options = first.values.indices.map { index in
        axes.map { Assignment(path: $0.path, value: $0.values[index]) }
      }
      return [Factor(options: options)]
    }
  }
}

extension Axis {
  fileprivate var options: [Factor.Option] {
    values.map { [Assignment(path: path, value: $0)] }
  }
}
