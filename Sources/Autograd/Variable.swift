package import Tensors

/// A tensor in a computation, and its gradient once a loss was differentiated.
///
/// Operations on variables run at once on the tape's device and are recorded for the backward pass
/// where a gradient is needed.
public final class Variable {
  package let tape: Tape
  package let value: Tensor
  package let needsGradient: Bool
  /// The gradient so far; nil before the first contribution.
  package private(set) var gradient: Tensor?

  /// A parameter's gradient is a part of one long tensor and is always added to in place.
  private let isPersistent: Bool

  /// Makes a variable.
  ///
  /// - Parameters:
  ///   - value: The tensor.
  ///   - tape: Where operations on the variable are recorded.
  ///   - needsGradient: Whether gradients flow to it.
  ///   - persistent: The tensor that gradients are added to in place, for parameters.
  package init(
    _ value: Tensor, on tape: Tape, needsGradient: Bool = false, persistent: Tensor? = nil
  ) {
    self.value = value
    self.tape = tape
    self.needsGradient = needsGradient
    gradient = persistent
    isPersistent = persistent != nil
  }

  public var shape: [Int] { value.shape }
  /// The size of the last axis.
  public var columns: Int { value.columns }

  /// Lets a kernel write or add this variable's gradient.
  ///
  /// - Parameter write: Gets the tensor to write to, and whether to add to it instead of
  ///   overwriting it. Not called where no gradient is needed.
  package func contribute(_ write: (_ target: Tensor, _ accumulate: Bool) -> Void) {
    guard needsGradient else { return }
    if gradient == nil {
      let fresh = tape.backend.empty(value.shape)
      write(fresh, false)
      gradient = fresh
    } else {
      makeGradientUnique()
      if let gradient { write(gradient, true) }
    }
  }

  /// Adds a finished gradient; it becomes this variable's own where it is the first.
  package func contribute(_ finished: Tensor) {
    guard needsGradient else { return }
    if gradient == nil {
      gradient = finished.reshaped(value.shape)
    } else {
      makeGradientUnique()
      if let gradient { tape.backend.addScaled(1, finished, to: gradient) }
    }
  }

  /// A gradient passed on unchanged (by an addition, a reshape) is shared until someone adds to it.
  private func makeGradientUnique() {
    guard var shared = gradient else { return }
    gradient = nil
    if isPersistent || isKnownUniquelyReferenced(&shared.storage) {
      gradient = shared
    } else {
      let own = tape.backend.empty(shared.shape)
      tape.backend.copy(shared, to: own)
      gradient = own
    }
  }
}
