import Autograd
import Configuration
import Layers
import Platform
import Tensors

/// The angles of rotary positions, t 10000^(-2j/dim) (arXiv 2104.09864).
struct RotaryAngles {
  private let cosine: Constant
  private let sine: Constant

  /// Makes the tables for every position of the model.
  init(_ context: MixerContext, dim: Int) throws(SettingError) {
    guard dim % 2 == 0 else {
      throw SettingError(
        "heads", "rotary positions need an even head width, here it is \(dim)",
        help: "change the width or the number of heads")
    }
    let (length, half) = (context.maximumLength, dim / 2)
    func table(_ function: @escaping @Sendable (Double) -> Double) -> Constant {
      context.parameters.constant([length, half]) {
        let rates = (0..<half).map { Mathematics.power(10000, -2 * Double($0) / Double(dim)) }
        return (0..<length).flatMap { position in
          rates.map { Float(function(Double(position) * $0)) }
        }
      }
    }
    cosine = table(Mathematics.cosine)
    sine = table(Mathematics.sine)
  }

  /// Rotates [batch, length, heads, dim] whose first row stands at a position.
  func rotate(_ x: Variable, from position: Int) -> Variable {
    x.rotated(cosine: cosine.variable.value, sine: sine.variable.value, offset: position)
  }
}
