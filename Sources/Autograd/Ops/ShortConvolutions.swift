public import Tensors

/// One of several short convolutions: what is convolved, and with what.
public struct ShortConvolution {
  /// What is convolved, [batch, length, channels].
  public var input: Variable
  /// [taps, channels]; row 0 meets the present position.
  public var weight: Variable
  /// [channels], or nil.
  public var bias: Variable?
  /// Whether the result's heads become vectors of length 1.
  public var isUnit: Bool

  public init(input: Variable, weight: Variable, bias: Variable? = nil, isUnit: Bool = false) {
    self.input = input
    self.weight = weight
    self.bias = bias
    self.isUnit = isUnit
  }

  fileprivate var variables: [Variable?] { [input, weight, bias] }

  fileprivate var tensors: ConvolvedTensor {
    ConvolvedTensor(x: input.value, weight: weight.value, bias: bias?.value, isUnit: isUnit)
  }
}

extension Variable {
  /// Several short convolutions of whole sequences, with the same taps, and after them the unit
  /// length of queries' and keys' heads; in one pass where the device can.
  ///
  /// - Parameters:
  ///   - convolutions: What is convolved.
  ///   - activation: Applied to each result.
  ///   - dim: Channels of a head; they divide those of the tensors whose heads have length 1.
  ///   - epsilon: Keeps heads of zeros finite, as in `l2Norm`.
  /// - Returns: For each convolution, its results, shaped like its input.
  public static func shortConvolutions(
    _ convolutions: [ShortConvolution], activation: Elementwise, unitHeads dim: Int,
    epsilon: Float = 1e-6
  ) -> [Variable] {
    let units = convolutions.filter(\.isUnit)
    precondition(
      units.allSatisfy { $0.input.columns % dim == 0 },
      "heads of \(dim) channels in \(units.map(\.input.columns))")
    guard let first = convolutions.first,
      let fused = first.input.tape.backend as? any FusedKernels,
      convolutions.allSatisfy({
        $0.input.shape.prefix(2) == first.input.shape.prefix(2)
          && $0.weight.shape[0] == first.weight.shape[0]
          && $0.input.needsGradient == first.input.needsGradient
      }),
      first.input.needsGradient
        || !first.input.tape.records(convolutions.flatMap(\.variables)),
      units.isEmpty
        || fused.fusesConvolutions(unitHeads: dim, channels: convolutions.map(\.input.columns)),
      areDistinct(convolutions.flatMap { [$0.weight, $0.bias] })
    else {
      return separate(convolutions, activation, unitHeads: dim, epsilon: epsilon)
    }
    return together(convolutions, activation, unitHeads: dim, epsilon: epsilon, on: fused)
  }

  /// Whether none is there twice: one kernel cannot add to a gradient for two uses at once.
  private static func areDistinct(_ parameters: [Variable?]) -> Bool {
    let all = parameters.compactMap { $0.map(ObjectIdentifier.init) }
    return Set(all).count == all.count
  }

  /// One operation after the other.
  private static func separate(
    _ convolutions: [ShortConvolution], _ activation: Elementwise, unitHeads dim: Int,
    epsilon: Float
  ) -> [Variable] {
    let results = convolutions.map {
      $0.input.shortConvolution(weight: $0.weight, bias: $0.bias, activation: activation).outputs
    }
    return zip(convolutions, results).map { convolution, y in
      guard convolution.isUnit else { return y }
      return y.reshaped(y.shape.dropLast() + [y.columns / dim, dim]).l2Norm(epsilon: epsilon)
        .reshaped(y.shape)
    }
  }

  private static func together(
    _ convolutions: [ShortConvolution], _ activation: Elementwise, unitHeads dim: Int,
    epsilon: Float, on fused: any FusedKernels
  ) -> [Variable] {
    let tape = convolutions[0].input.tape
    let ys = convolutions.map { tape.backend.empty($0.input.shape) }
    fused.shortConvolutions(
      activation, convolutions.map(\.tensors), unitHeads: dim, epsilon: epsilon, into: ys)
    return tape.results(ys, of: convolutions.flatMap(\.variables)) { gradients in
      let used = zip(convolutions, gradients).compactMap { convolution, gradient in
        gradient.map { (convolution, $0) }
      }
      withTargets(used) { targets in
        fused.shortConvolutionsBackward(
          activation, used.map(\.0.tensors), unitHeads: dim, epsilon: epsilon, targets)
        for (convolution, target) in zip(used.map(\.0), targets) {
          convolution.input.contribute(target.dx)
        }
      }
    }
  }

  /// Collects the gradients that one kernel writes or adds to.
  private static func withTargets(
    _ used: [(ShortConvolution, Tensor)], _ body: ([ConvolutionGradients]) -> Void
  ) {
    func next(_ targets: [ConvolutionGradients]) {
      guard targets.count < used.count else { return body(targets) }
      let (convolution, dy) = used[targets.count]
      let dx = convolution.input.tape.backend.empty(convolution.input.shape)
      Optional(convolution.weight).withGradient { dweight in
        convolution.bias.withGradient { dbias in
          next(targets + [ConvolutionGradients(dy: dy, dx: dx, dweight: dweight, dbias: dbias)])
        }
      }
    }
    next([])
  }
}
