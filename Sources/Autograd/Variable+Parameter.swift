import Tensors

extension Optional<Variable> {
  /// Lets a kernel add to the gradient of a parameter.
  ///
  /// - Parameter body: Gets the gradient so far, zeros at first; nil where none is needed. Called
  ///   once in any case, so that a kernel of several gradients can nest these calls.
  func withGradient(_ body: (Tensor?) -> Void) {
    guard let self, self.needsGradient else { return body(nil) }
    self.contribute { target, accumulate in
      if !accumulate { self.tape.backend.fill(target, with: 0) }
      body(target)
    }
  }
}
