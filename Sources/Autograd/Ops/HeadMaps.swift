import Tensors

extension Variable {
  /// The results of several linear maps side by side in the last axis, and a bias, in one pass where
  /// the device can.
  ///
  /// - Parameters:
  ///   - maps: Their inputs have one shape but for the last axis.
  ///   - bias: Of all results.
  /// - Returns: The first input's shape with the last axis replaced by all outputs in turn.
  public static func sideBySide(_ maps: [LinearMap], bias: Variable) -> Variable {
    guard let (fused, values) = headMaps(maps, bias) else {
      return sideBySide(maps).addingRow(bias)
    }
    let (x, z, weights) = (maps[0].input, maps[2].input, maps.map(\.weight))
    let y = x.tape.backend.empty(x.shape.dropLast() + [4 * x.columns])
    fused.headMaps(values, into: y)
    return x.tape.result(y, of: [x, z] + weights + [bias]) { dy in
      withTargets([x, z]) { targets in
        withSums(weights + [bias]) { sums in
          fused.headMapsBackward(
            values, dy: dy,
            into: HeadMapsGradients(
              x: targets[0], z: targets[1], weights: Array(sums.dropLast()),
              bias: sums[sums.count - 1]))
        }
      }
    }
  }

  /// What the fused maps take; nil where the device or the maps are others.
  static func headMaps(
    _ maps: [LinearMap], _ bias: Variable
  ) -> (any FusedKernels, HeadMaps)? {
    guard maps.count == 4 else { return nil }
    let (x, z, weights) = (maps[0].input, maps[2].input, maps.map(\.weight))
    let shape = weights[0].shape
    guard let fused = x.tape.backend as? any FusedKernels, maps[1].input === x,
      maps[3].input === z, x !== z, x.shape == z.shape, shape.count == 3, shape[1] == shape[2],
      shape[0] * shape[1] == x.columns, weights.allSatisfy({ $0.shape == shape }),
      bias.shape == [4 * x.columns],
      fused.fusesHeadMaps(rows: x.value.rows, heads: shape[0], dim: shape[1])
    else { return nil }
    let inputs = [x, z] + weights + [bias]
    guard !x.tape.records(inputs) || inputs.allSatisfy(\.needsGradient) else { return nil }
    return (
      fused,
      HeadMaps(x: x.value, z: z.value, weights: weights.map(\.value), bias: bias.value)
    )
  }

  /// Lets one kernel add to the gradients of several parameters, all of which need one.
  static func withSums(
    _ variables: [Variable], _ found: [Tensor] = [], _ body: ([Tensor]) -> Void
  ) {
    guard found.count < variables.count else { return body(found) }
    variables[found.count].contributeSum { withSums(variables, found + [$0], body) }
  }
}
