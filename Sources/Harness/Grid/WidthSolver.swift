import Configuration

/// Finds the width with which a model has a wanted cost.
struct WidthSolver {
  /// The greatest share by which the cost may miss its target.
  static let tolerance = 0.25
  static let maximumWidth = 65536

  let catalog: GridCatalog
  let request: ModelRequest
  let task: TaskConfiguration

  /// The model with the width whose cost is nearest to the target.
  ///
  /// Widths are multiples of every mixer's number of heads. The cost grows with the width, so the
  /// place of the target is found by bisection. Some multiples may be impossible for reasons that
  /// only the catalogue knows (an odd head width with rotary positions); their neighbours stand in.
  func solve(_ match: MatchTarget) throws(GridError) -> ModelConfiguration {
    let step = self.step
    let last = max(1, Self.maximumWidth / step)
    var low = 1
    var high = last
    while low < high {
      let middle = low + (high - low + 1) / 2
      let above = Array(middle...min(high, middle + Self.reach))
      let below = (max(low + 1, middle - Self.reach)..<middle).reversed()
      guard let found = possible(above + below, most: 1, match).first else { break }
      if found.cost <= match.value { low = found.index } else { high = found.index - 1 }
    }
    let below = Array((max(1, low - Self.reach)...low).reversed())
    let above = Array((low...min(last, low + Self.reach)).dropFirst())
    let near = possible(below, most: 2, match) + possible(above, most: 2, match)
    return try best(of: near, low * step, match)
  }

  /// How many neighbours of an impossible width are tried.
  private static let reach = 32

  /// A possible width and what it costs.
  private struct Candidate {
    let index: Int
    let model: ModelConfiguration
    let cost: Int
    /// The share by which the cost misses the target.
    let distance: Double
  }

  /// What the width must be a multiple of.
  private var step: Int {
    request.identity.mixers.reduce(1) { step, mixer in
      guard case .integer(let heads) = mixer.settings["heads"], heads > 0 else { return step }
      return min(Self.maximumWidth, step / Self.commonDivisor(step, heads) * heads)
    }
  }

  private static func commonDivisor(_ first: Int, _ second: Int) -> Int {
    var (a, b) = (first, second)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  private var position: SourcePosition { request.matchPosition ?? request.position }

  private func model(_ width: Int) -> ModelConfiguration {
    var model = ModelConfiguration(mixers: request.identity.mixers, settings: request.settings)
    model.width = width
    return model
  }

  /// The first few possible widths among multiples of the step.
  private func possible(_ indices: [Int], most: Int, _ match: MatchTarget) -> [Candidate] {
    let step = self.step
    var found: [Candidate] = []
    for index in indices where found.count < most {
      let model = model(index * step)
      guard let cost = try? cost(of: model, match) else { continue }
      let distance = abs(Double(cost) - Double(match.value)) / Double(match.value)
      found.append(Candidate(index: index, model: model, cost: cost, distance: distance))
    }
    return found
  }

  private func cost(
    of model: ModelConfiguration, _ match: MatchTarget
  ) throws(SettingError) -> Int {
    try catalog.checkModel(model, task)
    return try catalog.cost(match.quantity, model, task)
  }

  private func best(
    of candidates: [Candidate], _ width: Int, _ match: MatchTarget
  ) throws(GridError) -> ModelConfiguration {
    guard let best = candidates.min(by: { $0.distance < $1.distance }) else {
      throw impossible(width, match)
    }
    guard best.distance <= Self.tolerance else {
      throw GridError(
        position, "no width gives \(match)",
        help: "the nearest is width \(best.model.width) with \(best.cost)", fault: .combination)
    }
    return best.model
  }

  /// Why a width is impossible, as the catalogue says.
  private func impossible(_ width: Int, _ match: MatchTarget) -> GridError {
    do throws(SettingError) {
      _ = try cost(of: model(width), match)
      return GridError(
        position, "no width gives \(match)", help: "none is possible", fault: .combination)
    } catch {
      return GridError(request.places[error.setting], of: position, together: error)
    }
  }
}
