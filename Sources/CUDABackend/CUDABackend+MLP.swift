package import Tensors

extension CUDABackend {
  package func fuses(_ layer: MLP) -> Bool { layer.x.isAligned && plan(layer) != nil }

  package func joinsNorm(_ layer: MLP) -> Bool {
    layer.norm != nil && layer.isAdded && plan(layer)?.isGrouped == true
  }

  private func plan(_ layer: MLP) -> MLPPlan? {
    MLPPlan(layer, on: device)
  }

  package func mlp(_ layer: MLP, into y: Tensor) -> Tensor {
    guard let plan = plan(layer) else { preconditionFailure("no kernel for this layer") }
    let kernel = plan.forward
    // Halves of both weights.
    let weights = empty(layer.up.shape)
    launch(
      plan.halves, "mlp_halves", grid: blocks(for: layer.up.count / 2), block: 256,
      Int32(layer.hidden), layer.up, layer.down, weights)
    announce(4 * layer.size)
    launch(
      kernel.program, kernel.program.file, grid: plan.blocks(kernel), block: kernel.threads,
      shared: kernel.shared, layer.rows, layer.hidden, layer.x, layer.norm?.weight,
      layer.norm?.epsilon ?? 0, layer.norm?.scale, weights, layer.upBias, layer.downBias,
      layer.isAdded, y)
    return weights
  }

  package func mlpBackward(
    _ layer: MLP, weights: Tensor, dy: Tensor, into gradients: MLPGradients
  ) {
    guard let plan = plan(layer) else { preconditionFailure("no kernel for this layer") }
    let dy = dy.isAligned ? dy : copied(dy)
    let halves = empty([plan.halvesCount])
    let exponents = empty([plan.exponentCount])
    let kernel = plan.inputs
    let blocks = plan.blocks(kernel)
    let normSums = gradients.norm.map { empty([blocks.x, $0.count]) }
    withAligned(gradients.x) { dx in
      announce(6 * layer.size)
      launch(
        kernel.program, kernel.program.file, grid: blocks, block: kernel.threads,
        shared: kernel.shared, layer.rows, layer.hidden, layer.x, layer.norm?.weight,
        layer.norm?.scale, dy, weights, layer.upBias, dx.tensor, dx.accumulate, halves, exponents,
        normSums)
    }
    if let normSums { addPartials(normSums, strips: blocks.x, to: gradients.norm) }
    let sums = [gradients.up, gradients.upBias, gradients.down, gradients.downBias].map {
      PartSum(to: $0.tensor, accumulate: $0.accumulate)
    }
    let (across, count, split) = plan.weightBlocks(multiprocessors: device.multiprocessors)
    let parts = empty([count, sums.total])
    announce(8 * layer.size)
    launch(
      plan.weights.program, plan.weights.program.file, grid: LaunchGrid(across, count),
      block: plan.weights.threads, shared: plan.weights.shared, plan.slabs, layer.hidden, split,
      halves, exponents, weights, layer.upBias, parts)
    addParts(parts, splits: count, to: sums)
  }

  private func copied(_ tensor: Tensor) -> Tensor {
    let copy = empty(tensor.shape)
    self.copy(tensor, to: copy)
    return copy
  }

  /// Gives `body` a target that begins at a multiple of 16 bytes.
  private func withAligned(_ target: GradientTarget, _ body: (GradientTarget) -> Void) {
    guard !target.tensor.isAligned else { return body(target) }
    let aligned = target.accumulate ? copied(target.tensor) : empty(target.tensor.shape)
    body(GradientTarget(tensor: aligned, accumulate: target.accumulate))
    copy(aligned, to: target.tensor)
  }
}

extension MLP {
  /// Multiplications of one of its products.
  fileprivate var size: Double { Double(rows) * Double(width * hidden) }
}
