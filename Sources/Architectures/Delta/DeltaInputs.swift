import Autograd
import Layers
import Tensors

/// What the delta family feeds its scan: unit queries and keys, values, and the write strength.
struct DeltaInputs {
  private let projections: HeadProjections
  private let strength: Linear
  private let signed: Bool

  /// Describes the projections.
  ///
  /// With `signed`, write strengths lie in (0, 2) instead of (0, 1), so that the transition's
  /// eigenvalue along the key, 1 - beta, reaches -1.
  init(
    _ context: MixerContext, heads: Int, keyDim: Int, valueDim: Int, convolution: Int, signed: Bool
  ) {
    self.signed = signed
    func projection(_ name: String, _ dim: Int) -> HeadProjection {
      HeadProjection(
        context, name, heads: heads, dim: dim, convolution: convolution, activation: .silu)
    }
    projections = HeadProjections(
      query: projection("query", keyDim), key: projection("key", keyDim),
      value: projection("value", valueDim))
    strength = Linear(
      context.parameters.scoped("strength"), context.width, heads, initial: context.initial)
  }

  /// The scan's inputs and how it writes, and the results of maps that stand behind them; those of the
  /// last, the gate's, at the positions that `atWantedRows` leaves.
  func callAsFunction(
    _ x: Variable, state: MixerState?, last: [Linear], gate: Linear?
  ) -> (q: Variable, k: Variable, v: Variable, update: MatrixScan.Update, others: [Variable]) {
    let (q, k, v, others) = projections(
      x, state: state, unit: true, first: [strength], last: last, gate: gate)
    let update = MatrixScan.Update.deltaOfLogits(others[0], most: signed ? 2 : 1)
    return (q, k, v, update, Array(others.dropFirst()))
  }

  var stateSize: Int { projections.stateSize }
}
