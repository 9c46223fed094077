import Randomness
import Tensors

/// One way to call an operation, with an independent reference.
///
/// The same table serves four purposes: values against the reference, gradients against finite
/// differences of the reference, device against device, and speed.
package struct OpCase: Sendable, CustomStringConvertible {
  /// The operation: "attention".
  package let op: String
  /// What is special here: "T63-D16-window8".
  package let variant: String
  package let inputs: [OpInput]
  /// The operation, on variables made from the inputs in their order.
  package let run: @Sendable (Tape, [Variable]) -> [Variable]
  /// The operation in double precision, written token by token from its definition; nil for cases
  /// that only measure speed.
  package let reference: (@Sendable ([DoubleArray]) -> [DoubleArray])?
  /// Greatest error of the values, relative to the root mean square of the reference.
  package let tolerance: Double
  /// The same for the gradients.
  package let gradientTolerance: Double
  /// Floating-point operations of the forward pass, for speed.
  package let flops: Double

  package init(
    _ op: String, _ variant: String, inputs: [OpInput], tolerance: Double = 2e-5,
    gradientTolerance: Double = 2e-3, flops: Double = 0,
    reference: (@Sendable ([DoubleArray]) -> [DoubleArray])?,
    run: @escaping @Sendable (Tape, [Variable]) -> [Variable]
  ) {
    self.op = op
    self.variant = variant
    self.inputs = inputs
    self.tolerance = tolerance
    self.gradientTolerance = gradientTolerance
    self.flops = flops
    self.reference = reference
    self.run = run
  }

  package var description: String { op + " " + variant }

  /// Whether devices with units for matrix products compute the operation on them.
  package var multipliesMatrices: Bool { OpCatalog.matrixOperations.contains(op) }
}

/// An input of a case: a name, a shape and the law of its elements.
package struct OpInput: Sendable {
  package enum Law: Sendable {
    case normal(scale: Double)
    case uniform(ClosedRange<Double>)
    /// Rows (last axis) of unit length.
    case unitRows
  }

  package let name: String
  package let shape: [Int]
  package let law: Law
  package let differentiable: Bool

  package init(
    _ name: String, _ shape: [Int], _ law: Law = .normal(scale: 1), differentiable: Bool = true
  ) {
    self.name = name
    self.shape = shape
    self.law = law
    self.differentiable = differentiable
  }

  /// The input's elements, the same for the same label.
  package func elements(seed: UInt64) -> [Float] {
    var random = RandomSource(seed: seed)
    let count = shape.reduce(1, *)
    switch law {
    case .normal(let scale):
      return (0..<count).map { _ in Float(scale) * random.normal() }
    case .uniform(let bounds):
      let width = Float(bounds.upperBound - bounds.lowerBound)
      return (0..<count).map { _ in Float(bounds.lowerBound) + width * random.uniformFloat() }
    case .unitRows:
      var values = (0..<count).map { _ in random.normal() }
      let columns = shape.last ?? 1
      for row in stride(from: 0, to: count, by: max(columns, 1)) {
        let norm = values[row..<row + columns].reduce(0) { $0 + $1 * $1 }.squareRoot()
        for index in row..<row + columns { values[index] /= norm }
      }
      return values
    }
  }
}
