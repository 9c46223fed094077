import Autograd
import CPUBackend
import Tensors
import Testing

/// The element-wise functions over their whole range, at every level.
@Suite struct ElementwiseAccuracyTests {
  /// Numbers of both signs: dense around 0, and every size from denormal to beyond the overflow.
  private static let grid: [Float] = {
    var grid: [Float] = [0]
    var size = Float.leastNormalMagnitude / 256
    while size < 200 {
      grid.append(size)
      size *= 1.01
    }
    grid += (1...6000).map { Float($0) * 0.004 }
    return grid + grid.map { -$0 }
  }()

  /// The greatest error that is allowed at x.
  ///
  /// A few units in the last place of the exact result; GELU's contract is an absolute error.
  private static func allowance(_ function: Elementwise, _ x: Double, _ exact: Double) -> Double {
    let ulp = Double(max(Float(abs(exact)), .leastNormalMagnitude).ulp)
    switch function {
    case .identity, .negate, .relu: return 0
    case .square: return 0.51 * ulp
    case .exp, .eluPlusOne: return 1.5 * ulp
    // A factor below the normal range has few digits, whatever it is multiplied by.
    case .silu: return 4 * ulp + abs(x) * Double(Float.leastNonzeroMagnitude)
    case .gelu: return max(4 * ulp, 1e-7)
    default: return 4 * ulp
    }
  }

  @Test(arguments: Elementwise.allCases)
  func valuesAreWithinAFewUnitsInTheLastPlace(_ function: Elementwise) throws {
    for level in CPUBackend.availableLevels {
      let backend = try CPUBackend(level: level)
      let found = Self.apply(function, Self.grid, backend)
      var worst = 0.0
      var place: Float = 0
      for (x, y) in zip(Self.grid, found) {
        let exact = function.exact(Double(x))
        if Float(exact).isInfinite {
          #expect(Float(exact) == y, "\(function)(\(x)) at \(level)")
          continue
        }
        let allowed = Self.allowance(function, Double(x), exact)
        let error = abs(Double(y) - exact)
        let excess = error == 0 ? 0 : error / allowed
        if !(excess <= worst) {
          worst = excess
          place = x
        }
      }
      #expect(worst <= 1, "\(function)(\(place)) at \(level): \(worst) times what is allowed")
    }
  }

  @Test(arguments: Elementwise.allCases)
  func notANumberStaysSo(_ function: Elementwise) throws {
    for level in CPUBackend.availableLevels {
      let backend = try CPUBackend(level: level)
      // A whole register and a part of one.
      let found = Self.apply(function, [Float](repeating: .nan, count: 19), backend)
      let kept = found.allSatisfy(\.isNaN)
      #expect(kept, "\(function) at \(level)")
    }
  }

  @Test func infinitiesHaveTheirLimits() throws {
    let limits: [(Elementwise, Float, Float)] = [
      (.identity, -.infinity, .infinity), (.negate, .infinity, -.infinity),
      (.square, .infinity, .infinity), (.exp, 0, .infinity), (.sigmoid, 0, 1),
      (.logSigmoid, -.infinity, 0), (.tanh, -1, 1), (.relu, 0, .infinity),
      (.softplus, 0, .infinity), (.eluPlusOne, 0, .infinity),
    ]
    for level in CPUBackend.availableLevels {
      let backend = try CPUBackend(level: level)
      for (function, below, above) in limits {
        let found = Self.apply(function, [-.infinity, .infinity], backend)
        #expect(found == [below, above], "\(function) at \(level)")
      }
      for function in [Elementwise.silu, .gelu] {
        let found = Self.apply(function, [.infinity], backend)
        #expect(found == [.infinity], "\(function) at \(level)")
      }
    }
  }

  private static func apply(
    _ function: Elementwise, _ values: [Float], _ backend: CPUBackend
  ) -> [Float] {
    let x = backend.tensor(values, [values.count])
    let y = backend.empty(x.shape)
    backend.apply(function, x, into: y)
    return backend.values(y)
  }
}
