import Tensors

extension Variable {
  /// Features whose products are the second-order Taylor polynomial of the exponential.
  ///
  /// phi(q) . phi(k) = 1 + s + s²/2 with s = q . k / √d (Arora et al. 2024, arXiv 2402.18668;
  /// architectures.md 3.2).
  /// A product x_i x_j and its mirror image are one feature with √2 times the weight, so that there
  /// are 1 + d + d(d + 1)/2 of them.
  ///
  /// The last axis, d, has at most 64 numbers.
  ///
  /// - Returns: This variable's shape with the last axis replaced by the features.
  public func taylorFeatures() -> Variable {
    precondition((1...64).contains(columns), "taylor features of \(columns) numbers")
    let backend = tape.backend
    let y = backend.empty(shape.dropLast() + [Self.taylorFeatureCount(of: columns)])
    backend.taylorFeatures(value, into: y)
    return tape.result(y, of: [self]) { [self] dy in
      let dx = backend.empty(shape)
      backend.taylorFeaturesBackward(value, dy: dy, dx: dx)
      contribute(dx)
    }
  }

  /// The number of features of rows of d numbers.
  public static func taylorFeatureCount(of d: Int) -> Int { 1 + d + d * (d + 1) / 2 }
}
