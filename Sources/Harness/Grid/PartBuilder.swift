/// A choice of one option of every factor.
struct Choice: Sendable {
  private(set) var options: [Int]
  private let counts: [Int]

  /// The first choice.
  init(of factors: [Factor]) {
    counts = factors.map(\.options.count)
    options = counts.map { _ in 0 }
  }

  /// Goes on to the next choice, the last factor fastest; false after the last one.
  mutating func advance() -> Bool {
    for index in options.indices.reversed() {
      options[index] += 1
      if options[index] < counts[index] { return true }
      options[index] = 0
    }
    return false
  }
}

/// Builds the parts of a cell from the baseline, the chosen options and the command line.
struct PartBuilder: Sendable {
  let baseline: ConfigNode
  let factors: [Factor]
  let overrides: [Assignment]
  private let touching: [CellPart: [Int]]

  init(baseline: ConfigNode, factors: [Factor], overrides: [Assignment]) {
    self.baseline = baseline
    self.factors = factors
    self.overrides = overrides
    touching = Dictionary(
      uniqueKeysWithValues: CellPart.allCases.map { part in
        (part, factors.indices.filter { factors[$0].touches(part) })
      })
  }

  /// A number that two choices share only if they agree on everything that touches the part.
  func key(of choice: Choice, for part: CellPart) -> Int {
    var key = 0
    for index in touching[part] ?? [] {
      key = key * factors[index].options.count + choice.options[index]
    }
    return key
  }

  /// The part of a cell; nil where nothing gives it.
  ///
  /// Coarse paths are applied before the finer ones inside them, and the command line last.
  ///
  /// - Parameters:
  ///   - part: Which part.
  ///   - choice: The options to apply.
  ///   - skipped: A factor whose option is left out, to see whether it is to blame.
  /// - Returns: The merged node.
  /// - Throws: `GridError` where a path leads nowhere.
  func node(
    _ part: CellPart, of choice: Choice, skipping skipped: Int? = nil
  ) throws(GridError) -> ConfigNode? {
    var assignments: [Assignment] = []
    for index in touching[part] ?? [] where index != skipped {
      assignments += factors[index].options[choice.options[index]].filter { $0.path.part == part }
    }
    // Paths of one depth cannot overwrite each other, so their order does not matter.
    assignments.sort { $0.path.keys.count < $1.path.keys.count }
    var node = baseline[part.rawValue]
    for assignment in assignments + overrides.filter({ $0.path.part == part }) {
      node = try ConfigNode.part(node, with: assignment)
    }
    return node
  }

  /// The place to report for parts that are right one by one and impossible together.
  ///
  /// The place of a value from an axis or the command line is kept. Otherwise the last axis is to
  /// blame without whose element the parts are possible.
  func blame(
    _ error: GridError, _ parts: [CellPart], _ choice: Choice,
    isPossible: (_ nodes: [CellPart: ConfigNode]) -> Bool
  ) -> GridError {
    switch error.fault {
    case .value: return error
    case .combination: guard baseline.contains(error.position) else { return error }
    case .combinationWithDefault: break
    }
    for index in factors.indices.reversed() {
      let option = factors[index].options[choice.options[index]]
      guard let assignment = option.last(where: { parts.contains($0.path.part) }) else { continue }
      var nodes: [CellPart: ConfigNode] = [:]
      for part in parts { nodes[part] = try? node(part, of: choice, skipping: index) }
      if isPossible(nodes) { return error.moved(to: assignment.value.position) }
    }
    return error
  }
}
