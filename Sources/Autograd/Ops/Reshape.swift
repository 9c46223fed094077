import Tensors

extension Variable {
  /// The same elements under another shape; nothing is copied.
  public func reshaped(_ shape: [Int]) -> Variable {
    tape.result(value.reshaped(shape), of: [self]) { [self] dy in contribute(dy) }
  }
}
