import Tensors

/// The scan with decays of vectors, in chunks on the tensor cores.
extension CUDABackend {
  /// Nil where the scan goes another way.
  func vectorPlan(_ shape: ScanShape) -> ScanVectorPlan? {
    ScanVectorPlan(
      shape, sharedBytes: device.sharedBytesPerBlock, multiprocessors: device.multiprocessors)
  }

  func vectorScan(
    _ plan: ScanVectorPlan, _ inputs: ScanTensors<Tensor?>, into o: Tensor, final: Tensor?,
    checkpoints: Tensor?
  ) {
    let shape = plan.shape
    let aligned = inputs.areAligned(hasDecayRows: true, with: [o, final])
    announce(shape.operations)
    launch(
      plan.program(.forward, aligned: aligned), plan.name(.forward), grid: plan.grid,
      block: plan.threads(.forward), shared: plan.forwardFloats * 4,
      inputs.q, inputs.k, inputs.v, inputs.decay, inputs.initial, o, final, checkpoints,
      shape.heads, shape.keyHeads, shape.length, shape.scale)
  }

  func vectorScanBackward(
    _ plan: ScanVectorPlan, _ inputs: ScanTensors<Tensor?>, checkpoints: Tensor, dO: Tensor,
    dFinal: Tensor?, into gradients: ScanTensors<Tensor?>
  ) {
    let shape = plan.shape
    let aligned = inputs.areAligned(
      hasDecayRows: true,
      with: [
        dO, dFinal, gradients.q, gradients.k, gradients.v, gradients.decay, gradients.initial,
      ])
    announce(2.5 * shape.operations)
    let parts = ScanParts(of: gradients, shape, tiles: plan.grid.y, on: self)
    launch(
      plan.program(.backward, aligned: aligned), plan.name(.backward), grid: plan.grid,
      block: plan.threads(.backward), shared: plan.backwardFloats * 4,
      inputs.q, inputs.k, inputs.v, inputs.decay, checkpoints, dO, dFinal, parts.q.place,
      parts.k.place, gradients.v, parts.decay.place, gradients.initial, shape.batch, shape.heads,
      shape.keyHeads, shape.length, shape.scale)
    for part in parts.all { fold(part) }
  }
}
