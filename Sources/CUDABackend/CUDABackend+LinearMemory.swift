package import Tensors

extension CUDABackend: LinearMemoryKernels {
  package func stabilisedGates(
    _ gates: Tensor, initial: Tensor?, decay: Tensor, strength: Tensor, stabiliser: Tensor,
    final: Tensor?
  ) {
    let (batch, length, heads) = (gates.shape[0], gates.shape[1], gates.columns)
    launch(
      KernelProgram("gates"), "stabilised_gates", grid: warps(batch * heads), block: 128, batch,
      length, heads, gates, initial, decay, strength, stabiliser, final)
  }

  package func stabilisedGatesBackward(
    _ gates: Tensor, decay: Tensor, strength: Tensor, dDecay: Tensor, dStrength: Tensor,
    dGates: Tensor
  ) {
    launch(
      KernelProgram("gates"), "stabilised_gates_backward", grid: blocks(for: decay.count),
      block: 256, decay.count, decay.columns, gates, decay, strength, dDecay, dStrength, dGates)
  }

  package func normaliser(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, into factor: Tensor, final: Tensor?,
    states: Tensor?
  ) {
    let items = shape.batch * shape.heads
    launch(
      Self.program(shape), "normaliser_forward", grid: warps(items), block: 128, items,
      shape.heads, shape.length, shape.scale, shape.epsilon, inputs.q, inputs.k, Tensor?.none,
      inputs.decay, inputs.stabiliser, inputs.initial, factor, Tensor?.none, final, states)
  }

  package func normaliserBackward(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, states: Tensor, dFactor: Tensor,
    dq: Tensor?, dk: Tensor?, dDecay: Tensor?
  ) {
    let items = shape.batch * shape.heads
    launch(
      Self.program(shape), "normaliser_backward", grid: warps(items), block: 128, items,
      shape.heads, shape.length, shape.scale, shape.epsilon, inputs.q, inputs.decay,
      inputs.stabiliser, inputs.initial, states, dFactor, dq, dk, dDecay)
  }

  package func weighedNormaliser(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, strength: Tensor, into factor: Tensor,
    keys: Tensor, final: Tensor?, states: Tensor?
  ) {
    let items = shape.batch * shape.heads
    launch(
      Self.program(shape, isWeighed: true), "normaliser_forward", grid: warps(items), block: 128,
      items, shape.heads, shape.length, shape.scale, shape.epsilon, inputs.q, inputs.k, strength,
      inputs.decay, inputs.stabiliser, inputs.initial, factor, keys, final, states)
  }

  package func weighedNormaliserBackward(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, strength: Tensor, states: Tensor,
    dFactor: Tensor, dKeys: Tensor, into gradients: WeighedNormaliserGradients
  ) {
    let items = shape.batch * shape.heads
    launch(
      Self.program(shape, isWeighed: true), "weighed_normaliser_backward", grid: warps(items),
      block: 128,
      arguments: [
        items, shape.heads, shape.length, shape.scale, shape.epsilon, inputs.q, inputs.k, strength,
        inputs.decay, inputs.stabiliser, inputs.initial, states, dFactor, dKeys,
      ] + gradients.q.arguments + gradients.k.arguments + gradients.strength.arguments
        + gradients.decay.arguments)
  }

  package func taylorFeatures(_ x: Tensor, into y: Tensor) {
    let plan = TaylorPlan(dim: x.columns)
    launch(
      plan.program, "taylor_features", grid: blocks(for: x.rows, of: plan.rows), block: 256,
      x.rows, x, y)
  }

  package func taylorFeaturesBackward(_ x: Tensor, dy: Tensor, dx: Tensor) {
    let plan = TaylorPlan(dim: x.columns)
    launch(
      plan.program, "taylor_features_backward", grid: blocks(for: x.rows, of: plan.rows),
      block: 256, x.rows, x, dy, dx)
  }

  /// Blocks of four warps, one warp for each item.
  private func warps(_ items: Int) -> LaunchGrid { LaunchGrid(ceiling(items, 4)) }

  /// Tokens at a time: as many as keep two chunks of rows in registers, of which keys that are weighed
  /// need twice as many.
  private static func program(
    _ shape: NormaliserShape, isWeighed: Bool = false
  ) -> KernelProgram {
    let own = ceiling(shape.dim, 32)
    let tokens = [8, 4, 2].first { $0 * own <= (isWeighed ? 12 : 24) } ?? 1
    return KernelProgram("normaliser", ["DIM": shape.dim, "TOKENS": tokens])
  }
}

/// The rows of a block at a time; their features lie in shared memory.
private struct TaylorPlan {
  let dim: Int
  var rows: Int { max(1, min(16, 8192 / (1 + dim + dim * (dim + 1) / 2))) }
  var program: KernelProgram { KernelProgram("taylor", ["DIM": dim, "ROWS": rows]) }
}
