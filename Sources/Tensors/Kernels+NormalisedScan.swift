/// A scan whose updates add weighed keys, with the normaliser of its answers: the mLSTM's memory.
package struct NormalisedScan {
  /// With a decay for each token, and as many heads of keys as of values.
  package var shape: ScanShape
  /// What is added to divisors.
  package var epsilon: Float
  /// Queries, [batch, length, heads, key dim].
  package var q: Tensor
  /// Keys before they are weighed, like q.
  package var k: Tensor
  /// Values, [batch, length, heads, value dim].
  package var v: Tensor
  /// Factors, [batch, length, heads].
  package var decay: Tensor
  /// What the keys are multiplied by, like the decays.
  package var strength: Tensor
  /// m, like the decays; the size of a divisor is at least e^-m.
  package var stabiliser: Tensor

  package init(
    shape: ScanShape, epsilon: Float, q: Tensor, k: Tensor, v: Tensor, decay: Tensor,
    strength: Tensor, stabiliser: Tensor
  ) {
    self.shape = shape
    self.epsilon = epsilon
    (self.q, self.k, self.v) = (q, k, v)
    (self.decay, self.strength, self.stabiliser) = (decay, strength, stabiliser)
  }
}

/// What the backward pass of a normalised scan needs.
package struct NormalisedScanKept {
  package var checkpoints: Tensor
  /// The derivative of each factor for the answer that it normalises, [batch, length, heads].
  package var slopes: Tensor
  /// The sums of keys before each chunk.
  package var sums: Tensor

  package init(checkpoints: Tensor, slopes: Tensor, sums: Tensor) {
    (self.checkpoints, self.slopes, self.sums) = (checkpoints, slopes, sums)
  }
}

/// The gradients of a normalised scan's inputs; all are overwritten.
package struct NormalisedScanGradients {
  package var q: Tensor
  /// Of the keys before they are weighed.
  package var k: Tensor
  package var v: Tensor
  package var decay: Tensor
  package var strength: Tensor

  package init(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, strength: Tensor) {
    (self.q, self.k, self.v) = (q, k, v)
    (self.decay, self.strength) = (decay, strength)
  }
}

/// Scans that make their normaliser on the way, where the device has kernels for it.
package protocol NormalisedScanKernels {
  func fuses(_ scan: NormalisedScan) -> Bool
  /// What queries read, and one over the size of the divisors, [batch, length, heads]; nothing is
  /// carried in.
  ///
  /// - Returns: What the backward pass needs, where it is wanted.
  func normalisedScan(
    _ scan: NormalisedScan, into o: Tensor, factor: Tensor, keeps: Bool
  ) -> NormalisedScanKept?
  func normalisedScanBackward(
    _ scan: NormalisedScan, kept: NormalisedScanKept, dO: Tensor, dFactor: Tensor,
    into gradients: NormalisedScanGradients)
}
