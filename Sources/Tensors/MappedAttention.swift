/// Attention whose queries, keys and values are linear maps of the same rows.
package struct MappedAttention {
  package var shape: AttentionShape
  /// The rows, [batch, queries, inputs].
  package var x: Tensor
  /// Of queries, keys and values, [inputs, their heads x dim].
  package var weights: [Tensor]
  /// As attention has them.
  package var slopes: Tensor?

  package init(shape: AttentionShape, x: Tensor, weights: [Tensor], slopes: Tensor?) {
    self.shape = shape
    self.x = x
    self.weights = weights
    self.slopes = slopes
  }
}

/// Kernels of devices that keep queries, keys and values as the factors that they are multiplied as.
package protocol MappedAttentionKernels {
  /// Whether there are kernels for attention of this kind.
  func fusesMappedAttention(_ inputs: MappedAttention) -> Bool
  /// As the maps and `AttentionKernels.attention`, one after the other.
  ///
  /// - Parameters:
  ///   - inputs: What goes in.
  ///   - o: The outputs, overwritten, like `logSum`.
  ///   - logSum: For the backward pass.
  /// - Returns: Queries, keys and values in the form that the backward pass takes; their elements
  ///   are not numbers for others.
  func mappedAttention(_ inputs: MappedAttention, into o: Tensor, logSum: Tensor) -> [Tensor]
  /// The gradients of queries, keys and values, which are overwritten.
  func mappedAttentionBackward(
    _ inputs: MappedAttention, factors: [Tensor], o: Tensor, logSum: Tensor, dO: Tensor,
    into gradients: [Tensor])
}
