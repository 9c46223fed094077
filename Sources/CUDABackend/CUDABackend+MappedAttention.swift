package import Tensors

/// Queries, keys and values that are halves from where they are made: their maps write less, attention
/// reads less, and what it reads goes straight to where it is multiplied.
extension CUDABackend: MappedAttentionKernels {
  package func fusesMappedAttention(_ inputs: MappedAttention) -> Bool {
    let shape = inputs.shape
    return shape.fitsPanels && GroupedAttentionPlan.forward(shape, halves: true, on: device) != nil
      && GroupedAttentionPlan.backward(shape, halves: true, on: device) != nil
      && (shape.queries <= 256 || fillsDevice(shape.batch * shape.heads))
      && takesLinearFactors(inputs.x, inputs.weights)
  }

  package func mappedAttention(
    _ inputs: MappedAttention, into o: Tensor, logSum: Tensor
  ) -> [Tensor] {
    let shape = inputs.shape
    guard let plan = GroupedAttentionPlan.forward(shape, halves: true, on: device) else {
      preconditionFailure("attention of \(shape) has no kernels for halves")
    }
    // Two to a float.
    let factors = inputs.weights.map { empty([inputs.x.rows, $0.columns / 2]) }
    linearFactors(inputs.x, inputs.weights, into: factors)
    announce(2 * shape.pairs * Double(shape.dim + shape.valueDim))
    launch(
      plan.program("grouped_attention"), "grouped_attention", grid: LaunchGrid(plan.blocks),
      block: plan.threads, shared: plan.sharedBytes,
      arguments: factors + [inputs.slopes, o, logSum, Int32(shape.batch * shape.heads)]
        + shape.arguments)
    return factors
  }

  package func mappedAttentionBackward(
    _ inputs: MappedAttention, factors: [Tensor], o: Tensor, logSum: Tensor, dO: Tensor,
    into gradients: [Tensor]
  ) {
    let shape = inputs.shape
    guard let plan = GroupedAttentionPlan.backward(shape, halves: true, on: device) else {
      preconditionFailure("attention of \(shape) has no kernels for halves")
    }
    var gradient = dO
    if !dO.isAligned {
      gradient = empty(dO.shape)
      copy(dO, to: gradient)
    }
    announce(2 * shape.pairs * Double(3 * shape.dim + 2 * shape.valueDim))
    launch(
      plan.program("grouped_attention_backward"), "grouped_attention_backward",
      grid: LaunchGrid(plan.blocks), block: plan.threads, shared: plan.sharedBytes,
      arguments: factors + [inputs.slopes, o, logSum, gradient] + gradients
        + [Int32(shape.batch * shape.heads)] + shape.arguments)
  }
}

extension AttentionShape {
  /// Whether attention is plain, as the kernels for halves have it, and its sequences are made of
  /// whole blocks of keys.
  fileprivate var fitsPanels: Bool {
    offset == 0 && queries == keys && heads == keyHeads && (window == 0 || window >= keys)
      && queries % 128 == 0
  }
}
