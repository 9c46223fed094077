/// The head, the loss and the arg-max in one kernel, for the supervised positions only.
package protocol LossKernels {
  /// Cross-entropy of softmax(hidden weight') against the targets, without keeping the logits.
  ///
  /// - Parameters:
  ///   - hidden: [rows, width], one row per supervised position.
  ///   - weight: [vocabulary, width]
  ///   - bias: [vocabulary], or nil
  ///   - target: [rows]; -1 for rows that do not count.
  ///   - scale: [1] on the device: the weight of a row's loss in the gradient (1 / rows that count).
  ///   - loss: [rows], not scaled.
  ///   - best: [rows], the first arg-max; -1 where the target is -1.
  ///   - dhidden: Overwritten with the gradient of `scale` times the sum of the losses; nil in
  ///     evaluation.
  ///   - dweight: Added to.
  ///   - dbias: Added to.
  func linearCrossEntropy(
    hidden: Tensor, weight: Tensor, bias: Tensor?, target: IndexTensor, scale: Tensor,
    loss: Tensor, best: IndexTensor, dhidden: Tensor?, dweight: Tensor?, dbias: Tensor?)
}
