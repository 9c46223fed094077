import CKernels
package import Tensors

extension CPUBackend: LossKernels {
  package func linearCrossEntropy(
    hidden: Tensor, weight: Tensor, bias: Tensor?, target: IndexTensor, scale: Tensor,
    loss: Tensor, best: IndexTensor, dhidden: Tensor?, dweight: Tensor?, dbias: Tensor?
  ) {
    let counted = countedRows(target, loss: loss, best: best, dhidden: dhidden)
    let tile = min(counted, Self.rowsPerTile(vocabulary: weight.rows))
    guard tile > 0 else { return }
    let wantsGradient = dhidden != nil || dweight != nil || dbias != nil
    let factor = wantsGradient ? scale.pointer.pointee : 0
    let logits = empty([tile, weight.rows])
    for start in stride(from: 0, to: counted, by: tile) {
      let part = LossTile(start: start, count: min(tile, counted - start), logits: logits.pointer)
      logitsAndLoss(
        part, hidden: hidden, weight: weight, bias: bias, target: target, factor: factor,
        loss: loss, best: best)
      guard wantsGradient else { continue }
      // The kernel leaves the logits as they are where the scale is zero.
      if factor == 0 { kernels.fill(part.count * weight.rows, 0, part.logits) }
      addGradients(
        part, hidden: hidden, weight: weight, dhidden: dhidden, dweight: dweight, dbias: dbias)
    }
  }

  /// Enough rows to pay for reading and rearranging the weight, few enough that the logits stay in
  /// the last cache between their making and their last use.
  private static func rowsPerTile(vocabulary: Int) -> Int {
    min(256, max(16, (1 << 20) / vocabulary))
  }

  /// The rows up to the last one that counts; those behind it, padding, are finished here.
  private func countedRows(
    _ target: IndexTensor, loss: Tensor, best: IndexTensor, dhidden: Tensor?
  ) -> Int {
    let targets = UnsafeBufferPointer(start: target.pointer, count: target.count)
    let counted = (targets.lastIndex { $0 >= 0 } ?? -1) + 1
    let padding = target.count - counted
    guard padding > 0 else { return counted }
    kernels.fill(padding, 0, loss.pointer + counted)
    (best.pointer + counted).update(repeating: -1, count: padding)
    if let dhidden {
      kernels.fill(padding * dhidden.columns, 0, dhidden.pointer + counted * dhidden.columns)
    }
    return counted
  }

  private func logitsAndLoss(
    _ part: LossTile, hidden: Tensor, weight: Tensor, bias: Tensor?, target: IndexTensor,
    factor: Float, loss: Tensor, best: IndexTensor
  ) {
    let (vocabulary, width) = (weight.rows, weight.columns)
    multiply(
      MatrixProduct(m: part.count, n: vocabulary, k: width, transposeB: true),
      hidden.pointer + part.start * width, weight.pointer, bias: bias?.pointer, into: part.logits)
    kernels.cross_entropy(
      part.count, vocabulary, part.logits, target.pointer + part.start, factor,
      loss.pointer + part.start, best.pointer + part.start)
  }

  /// Uses the tile's logits, which are the gradient with respect to themselves by now.
  private func addGradients(
    _ part: LossTile, hidden: Tensor, weight: Tensor, dhidden: Tensor?, dweight: Tensor?,
    dbias: Tensor?
  ) {
    let (vocabulary, width) = (weight.rows, weight.columns)
    if let dhidden {
      multiply(
        MatrixProduct(m: part.count, n: width, k: vocabulary), part.logits, weight.pointer,
        bias: nil, into: dhidden.pointer + part.start * width)
    }
    if let dweight {
      multiply(
        MatrixProduct(m: vocabulary, n: width, k: part.count, transposeA: true, beta: 1),
        part.logits, hidden.pointer + part.start * width, bias: nil, into: dweight.pointer)
    }
    if let dbias { kernels.sum_rows(part.count, vocabulary, part.logits, dbias.pointer) }
  }
}

/// Some rows of a loss and the memory for their logits.
private struct LossTile {
  var start: Int
  var count: Int
  var logits: UnsafeMutablePointer<Float>
}
