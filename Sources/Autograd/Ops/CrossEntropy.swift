package import Tensors

/// What a cross-entropy found, on the device.
package struct LossResult {
  /// The loss of each row, not scaled; 0 where the row does not count.
  package let losses: Tensor
  /// The first arg-max of each row; -1 where the row does not count.
  package let best: IndexTensor
}

extension Variable {
  /// Cross-entropy of softmax(x weight' + bias) against the targets.
  ///
  /// This is the end of a graph: the logits are never kept, so the gradients are made in the same
  /// pass as the losses, and every input has its share when this returns. `Tape.backward()` takes
  /// them from there.
  ///
  /// - Parameters:
  ///   - weight: [vocabulary, columns], often the embedding table itself.
  ///   - bias: [vocabulary], or nil
  ///   - targets: One for each row; -1 for rows that do not count.
  ///   - scale: [1] on the device: the gradients are those of `scale` times the sum of the losses.
  /// - Returns: The losses and the arg-maxima of the rows.
  package func crossEntropy(
    weight: Variable, bias: Variable? = nil, targets: IndexTensor, scale: Tensor
  ) -> LossResult {
    let rows = value.rows
    precondition(weight.columns == columns, "cross-entropy: \(columns) columns, \(weight.shape)")
    precondition(targets.count == rows, "cross-entropy: \(rows) rows, \(targets.count) targets")
    let backend = tape.backend
    let losses = backend.empty([rows])
    let best = backend.emptyIndices([rows])
    let recording = tape.records([self, weight, bias])
    let dx = recording && needsGradient ? backend.empty(shape) : nil
    (recording ? weight : nil).addingToGradient { dweight in
      (recording ? bias : nil).addingToGradient { dbias in
        backend.linearCrossEntropy(
          hidden: value, weight: weight.value, bias: bias?.value, target: targets, scale: scale,
          loss: losses, best: best, dhidden: dx, dweight: dweight, dbias: dbias)
      }
    }
    if let dx { contribute(dx) }
    return LossResult(losses: losses, best: best)
  }
}

extension Tape {
  /// Propagates the gradients of the losses computed so far, which their inputs have already.
  package func backward() { backward(from: []) }
}

extension Variable? {
  /// Calls a kernel with this variable's gradient to add to; with nil where none is needed.
  fileprivate func addingToGradient(_ kernel: (Tensor?) -> Void) {
    guard let self, self.needsGradient else { return kernel(nil) }
    self.contribute { gradient, accumulate in
      if !accumulate { self.tape.backend.fill(gradient, with: 0) }
      kernel(gradient)
    }
  }
}
