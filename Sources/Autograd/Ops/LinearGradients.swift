import Tensors

/// A linear map's parameters, and the gradient of its result.
struct LinearResult {
  var weight: Variable
  var bias: Variable?
  var gradient: Tensor
}

extension Variable {
  /// Adds what linear maps of this variable give to its gradient, and to the weights' and the biases'.
  func contributeGradients(of maps: [LinearResult]) {
    let places =
      [Place.rows] + maps.indices.map(Place.weight)
      + maps.indices.filter { maps[$0].bias != nil }.map(Place.bias)
    var wanted = places.compactMap { place -> (place: Place, variable: Variable)? in
      let variable = variable(at: place, of: maps)
      return variable.needsGradient ? (place, variable) : nil
    }
    let work = LinearWork(
      rows: nil, maps: maps.map { LinearGradients(output: $0.gradient, weight: $0.weight.value) })
    // One that is there twice has its gradient written before more is added to it.
    let isDistinct = Set(wanted.map { ObjectIdentifier($0.variable) }).count == wanted.count
    if isDistinct {
      // All that is wanted is the gradients of the rows and of each weight.
      let areAll =
        needsGradient && wanted.count == 1 + maps.count && maps.allSatisfy { $0.bias == nil }
      switch leaveMaps(work.maps, weights: areAll ? maps.map(\.weight) : []) {
      case .none: break
      case .rows: wanted.removeAll { $0.variable === self }
      case .all: return
      }
    }
    for group in isDistinct ? [wanted[...]] : wanted.indices.map({ wanted[$0...$0] }) {
      Self.withTargets(group, work) {
        tape.backend.linearGradients(value, $0.maps, into: $0.rows)
      }
    }
  }

  /// Lets one kernel write or add the weights' gradients; without weights, as the maps are.
  static func withTargets(
    of weights: [Variable], in maps: [LinearGradients], run: ([LinearGradients]) -> Void
  ) {
    let wanted = weights.enumerated().map { (place: Place.weight($0.offset), variable: $0.element) }
    withTargets(wanted[...], LinearWork(rows: nil, maps: maps)) { run($0.maps) }
  }

  private func variable(at place: Place, of maps: [LinearResult]) -> Variable {
    switch place {
    case .rows: self
    case .weight(let index): maps[index].weight
    case .bias(let index): maps[index].bias ?? self
    }
  }

  /// Lets one kernel write or add the gradients of several variables.
  private static func withTargets(
    _ wanted: ArraySlice<(place: Place, variable: Variable)>, _ work: LinearWork,
    run: (LinearWork) -> Void
  ) {
    guard let first = wanted.first else { return run(work) }
    first.variable.contribute { tensor, accumulate in
      var work = work
      work.set(first.place, GradientTarget(tensor: tensor, accumulate: accumulate))
      withTargets(wanted.dropFirst(), work, run: run)
    }
  }
}

/// Whose gradient is meant: that of the maps' rows, of a map's weight or of its bias.
private enum Place {
  case rows
  case weight(Int)
  case bias(Int)
}

/// What a device is asked for.
private struct LinearWork {
  var rows: GradientTarget?
  var maps: [LinearGradients]

  mutating func set(_ place: Place, _ target: GradientTarget) {
    switch place {
    case .rows: rows = target
    case .weight(let index): maps[index].dWeight = target
    case .bias(let index): maps[index].dBias = target
    }
  }
}
