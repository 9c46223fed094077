import CKernels
package import Tensors

extension CPUBackend {
  package func scanCheckpointCount(_ shape: ScanShape) -> Int {
    var options = shape.options
    return kernels.scan_checkpoints(&options)
  }

  package func scan(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, into o: Tensor, final: Tensor?,
    checkpoints: Tensor?
  ) {
    var options = shape.options
    var pointers = inputs.pointers
    kernels.scan(
      &options, &pointers, o.pointer, final?.pointer, checkpoints?.pointer,
      scratch(kernels.scan_workspace(&options)))
  }

  package func scanBackward(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, checkpoints: Tensor, dO: Tensor,
    dFinal: Tensor?, into gradients: ScanTensors<Tensor?>
  ) {
    var options = shape.options
    var pointers = inputs.pointers
    var targets = gradients.mutablePointers
    kernels.scan_backward(
      &options, &pointers, checkpoints.pointer, dO.pointer, dFinal?.pointer, &targets,
      scratch(kernels.scan_workspace(&options)))
  }
}

extension ScanShape {
  fileprivate var options: hk_scan {
    hk_scan(
      batch: batch, length: length, heads: heads, key_heads: keyHeads, key_dim: keyDim,
      value_dim: valueDim, decay: decay.rawValue, update: update.rawValue,
      exclusive: exclusive ? 1 : 0, scale: scale)
  }
}

extension ScanTensors<Tensor?> {
  fileprivate var pointers: hk_scan_inputs {
    hk_scan_inputs(
      q: q?.pointer, k: k?.pointer, v: v?.pointer, decay: decay?.pointer, beta: beta?.pointer,
      a: a?.pointer, b: b?.pointer, bonus: bonus?.pointer, initial: initial?.pointer)
  }

  fileprivate var mutablePointers: hk_scan_gradients {
    hk_scan_gradients(
      q: q?.pointer, k: k?.pointer, v: v?.pointer, decay: decay?.pointer, beta: beta?.pointer,
      a: a?.pointer, b: b?.pointer, bonus: bonus?.pointer, initial: initial?.pointer)
  }
}
