package import Tensors

/// Scans with 16-bit factors make the normaliser of their answers on the way.
extension CUDABackend: NormalisedScanKernels {
  package func fuses(_ scan: NormalisedScan) -> Bool { normalisedPlan(scan) != nil }

  package func normalisedScan(
    _ scan: NormalisedScan, into o: Tensor, factor: Tensor, keeps: Bool
  ) -> NormalisedScanKept? {
    let (shape, plan) = (scan.shape, planned(scan))
    let kept = KeptScan(shape, halvesInChunksOf: plan.tokens)
    let made = keeps ? makeKept(scan, kept, plan) : nil
    let states = made.map { kept.states(in: $0.checkpoints) }
    announce(shape.operations)
    launch(
      plan.program(.forward, aligned: scan.isAligned(with: [o, states])), plan.name(.forward),
      grid: plan.grid, block: plan.threads, shared: plan.forwardFloats * 4,
      arguments: [scan.q, scan.k, scan.v, scan.decay, Tensor?.none, Tensor?.none, o, Tensor?.none]
        + [states, Tensor?.none, Tensor?.none]
        + [made.map { kept.scales(in: $0.checkpoints) }, shape.heads, shape.heads, shape.length]
        + [shape.scale, scan.strength, scan.stabiliser, factor, made?.slopes, made?.sums]
        + [scan.epsilon])
    return made
  }

  package func normalisedScanBackward(
    _ scan: NormalisedScan, kept: NormalisedScanKept, dO: Tensor, dFactor: Tensor,
    into gradients: NormalisedScanGradients
  ) {
    let (shape, plan) = (scan.shape, planned(scan))
    let parts = KeptScan(shape, halvesInChunksOf: plan.tokens)
    let states = parts.states(in: kept.checkpoints)
    announce(2.5 * shape.operations)
    launch(
      plan.program(
        .backward,
        aligned: scan.isAligned(with: [dO, states, gradients.q, gradients.k, gradients.v])),
      plan.name(.backward), grid: plan.grid, block: plan.threads, shared: plan.backwardFloats * 4,
      arguments: [scan.q, scan.k, scan.v, scan.decay, Tensor?.none, Tensor?.none, states]
        + [Tensor?.none, Tensor?.none, parts.scales(in: kept.checkpoints), dO, Tensor?.none]
        + [gradients.q, gradients.k, gradients.v, gradients.decay, Tensor?.none, Tensor?.none]
        + [shape.heads, shape.heads, shape.length, shape.scale, scan.strength, kept.slopes]
        + [kept.sums, dFactor, gradients.strength])
  }

  /// Nil where there is no kernel.
  private func normalisedPlan(_ scan: NormalisedScan) -> HalfScanPlan? {
    HalfScanPlan(
      scan.shape, sharedBytes: device.sharedBytesPerBlock, hasState: false, isNormalised: true)
  }

  private func planned(_ scan: NormalisedScan) -> HalfScanPlan {
    guard let plan = normalisedPlan(scan) else { preconditionFailure("no kernel for the scan") }
    return plan
  }

  private func makeKept(
    _ scan: NormalisedScan, _ parts: KeptScan, _ plan: HalfScanPlan
  ) -> NormalisedScanKept {
    let shape = scan.shape
    let chunks = plan.grid.x * ceiling(shape.length, plan.tokens)
    return NormalisedScanKept(
      checkpoints: empty([parts.count]), slopes: empty(scan.strength.shape),
      sums: empty([chunks, shape.keyDim]))
  }
}

extension NormalisedScan {
  /// Whether all rows begin where 16 bytes can be fetched.
  fileprivate func isAligned(with others: [Tensor?]) -> Bool {
    ([q, k, v] + others).allSatisfy { $0?.isAligned ?? true }
  }
}
