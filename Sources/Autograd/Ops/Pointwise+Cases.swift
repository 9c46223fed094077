import Platform
import Tensors

extension OpCatalog {
  static let pointwiseCases: [OpCase] = functionCases + affineCases + binaryCases

  private static let functionCases: [OpCase] = Elementwise.allCases.enumerated().map {
    index, function in
    let shape = [[3, 23], [1], [2, 64], [7, 9]][index % 4]
    return OpCase(
      "pointwise", "\(function)", inputs: [OpInput("x", shape, .normal(scale: 2))],
      tolerance: 1e-6, flops: Double(shape.reduce(1, *)),
      reference: { [DoubleArray($0[0].shape, $0[0].values.map(function.exact))] },
      run: { _, inputs in [inputs[0].applying(function)] }
    ).ranTwice()
  }

  private static let affineCases: [OpCase] = [(1, 0.5), (-2.5, 0), (0.25, -3)].map {
    scale, shift in
    OpCase(
      "affine", "\(scale)x+\(shift)", inputs: [OpInput("x", [5, 7])], tolerance: 1e-6,
      reference: { [DoubleArray($0[0].shape, $0[0].values.map { scale * $0 + shift })] },
      run: { _, inputs in [inputs[0].affine(scale: Float(scale), shift: Float(shift))] }
    ).ranTwice()
  }

  private typealias Binary = @Sendable (Variable, Variable) -> Variable
  private typealias ExactBinary = @Sendable (Double, Double) -> Double

  private static let binaryCases: [OpCase] = {
    let operations: [(String, Binary, ExactBinary)] = [
      ("add", { $0 + $1 }, { $0 + $1 }),
      ("subtract", { $0 - $1 }, { $0 - $1 }),
      ("multiply", { $0 * $1 }, { $0 * $1 }),
    ]
    return operations.flatMap { name, operation, exact in
      let pair = OpCase(
        name, "65", inputs: [OpInput("a", [5, 13]), OpInput("b", [5, 13])], tolerance: 1e-6,
        reference: { [DoubleArray($0[0].shape, zip($0[0].values, $0[1].values).map(exact))] },
        run: { _, inputs in [operation(inputs[0], inputs[1])] })
      let itself = OpCase(
        name, "itself", inputs: [OpInput("a", [7])], tolerance: 1e-6,
        reference: { [DoubleArray($0[0].shape, $0[0].values.map { exact($0, $0) })] },
        run: { _, inputs in [operation(inputs[0], inputs[0])] })
      return [pair, pair.ranTwice(), itself]
    }
  }()
}

extension OpCase {
  /// The operation run twice on the same inputs and the results added, so that the second backward
  /// pass adds to gradients that the first one has written.
  func ranTwice() -> OpCase {
    let (once, reference) = (run, reference)
    var twice: (@Sendable ([DoubleArray]) -> [DoubleArray])?
    if let reference {
      twice = { inputs in
        reference(inputs).map { DoubleArray($0.shape, $0.values.map { 2 * $0 }) }
      }
    }
    return OpCase(
      op, variant + "-twice", inputs: inputs, tolerance: tolerance,
      gradientTolerance: gradientTolerance, flops: 2 * flops, reference: twice,
      run: { tape, inputs in
        zip(once(tape, inputs), once(tape, inputs)).map { $0 + $1 }
      })
  }
}

extension Elementwise {
  /// The function in double precision, from its definition.
  package func exact(_ x: Double) -> Double {
    switch self {
    case .identity: x
    case .negate: -x
    case .square: x * x
    case .exp: Mathematics.exponential(x)
    case .sigmoid: 1 / (1 + Mathematics.exponential(-x))
    case .logSigmoid: -Elementwise.softplus.exact(-x)
    case .tanh: Self.exactTanh(x)
    case .relu: x > 0 ? x : 0
    case .silu: x / (1 + Mathematics.exponential(-x))
    case .gelu: x * Self.exactNormalDistribution(x)
    case .softplus: Self.exactSoftplus(x)
    case .eluPlusOne: x > 0 ? x + 1 : Mathematics.exponential(x)
    }
  }

  private static func exactTanh(_ x: Double) -> Double {
    let difference = Mathematics.exponentialMinusOne(-2 * abs(x))
    let magnitude = -difference / (difference + 2)
    return x < 0 ? -magnitude : magnitude
  }

  /// log(1 + e^x); log(1 + u) is 2 artanh(u / (2 + u)), whose series needs no large cancellation.
  private static func exactSoftplus(_ x: Double) -> Double {
    let ratio = { (u: Double) in u / (2 + u) }(Mathematics.exponential(-abs(x)))
    var series = 0.0
    var power = ratio
    for odd in stride(from: 1, through: 41, by: 2) {
      series += power / Double(odd)
      power *= ratio * ratio
    }
    return max(x, 0) + 2 * series
  }

  /// Phi(x): Taylor's series of the error function near 0, Laplace's continued fraction of the tail
  /// beyond (Abramowitz and Stegun, 26.2.11 and 26.2.14).
  private static func exactNormalDistribution(_ x: Double) -> Double {
    let density = Mathematics.exponential(-x * x / 2) / 2.506_628_274_631_000_5
    let distance = abs(x)
    if distance < 4 {
      var term = x
      var sum = x
      for odd in stride(from: 3, through: 121, by: 2) {
        term *= x * x / Double(odd)
        sum += term
      }
      return 0.5 + density * sum
    }
    var fraction = distance
    for depth in stride(from: 80, through: 1, by: -1) {
      fraction = distance + Double(depth) / fraction
    }
    return x < 0 ? density / fraction : 1 - density / fraction
  }
}
