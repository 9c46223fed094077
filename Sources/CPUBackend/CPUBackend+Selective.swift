import CKernels
package import Tensors

extension CPUBackend {
  package func selectiveCheckpointCount(_ shape: SelectiveShape) -> Int {
    var options = shape.options
    return kernels.selective_checkpoints(&options)
  }

  package func selectiveScan(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, into y: Tensor, ungated: Tensor?,
    final: Tensor?, checkpoints: Tensor?
  ) {
    var options = shape.options
    var pointers = inputs.pointers
    kernels.selective_scan(
      &options, &pointers, y.pointer, final?.pointer, checkpoints?.pointer,
      scratch(kernels.selective_workspace(&options)))
  }

  package func selectiveScanBackward(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, ungated: Tensor?,
    checkpoints: Tensor, dy: Tensor, dFinal: Tensor?, into gradients: SelectiveTensors<Tensor?>
  ) {
    var options = shape.options
    var pointers = inputs.pointers
    var targets = gradients.mutablePointers
    kernels.selective_scan_backward(
      &options, &pointers, checkpoints.pointer, dy.pointer, dFinal?.pointer, &targets,
      scratch(kernels.selective_workspace(&options)))
  }
}

extension SelectiveShape {
  fileprivate var options: hk_selective {
    hk_selective(
      batch: batch, length: length, channels: channels, states: states,
      both_signs: bothSigns ? 1 : 0)
  }
}

extension SelectiveTensors<Tensor?> {
  fileprivate var pointers: hk_selective_inputs {
    hk_selective_inputs(
      x: x?.pointer, step: step?.pointer, rate: rate?.pointer, write: write?.pointer,
      read: read?.pointer, skip: skip?.pointer, initial: initial?.pointer)
  }

  fileprivate var mutablePointers: hk_selective_gradients {
    hk_selective_gradients(
      x: x?.pointer, step: step?.pointer, rate: rate?.pointer, write: write?.pointer,
      read: read?.pointer, skip: skip?.pointer, initial: initial?.pointer)
  }
}
