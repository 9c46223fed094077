package import Tensors

extension CUDABackend: AttentionKernels {
  package func attention(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, into o: Tensor,
    logSum: Tensor
  ) {
    let limit = device.sharedBytesPerBlock
    let tensors: [any KernelArgument] = [q, k, v, slopes, o, logSum]
    announce(2 * shape.pairs * Double(shape.dim + shape.valueDim))
    if let plan = GroupedAttentionPlan.forward(shape, on: device), areAligned([q, k, v, o]) {
      launch(
        plan.program("grouped_attention"), "grouped_attention",
        grid: LaunchGrid(plan.blocks), block: plan.threads, shared: plan.sharedBytes,
        arguments: tensors + [Int32(shape.batch * shape.heads)] + shape.arguments)
      return
    }
    if let plan = HalfAttentionPlan.forward(
      shape, sharedBytes: limit, multiprocessors: device.multiprocessors)
    {
      launch(
        program("attention_halves", shape, ("WARPS", plan.warps), vectorsIn: [q, k, v, o]),
        "attention_halves", grid: LaunchGrid(plan.parts * shape.heads * shape.batch),
        block: plan.threads, shared: plan.sharedBytes, arguments: tensors + shape.arguments)
      return
    }
    let tiles = AttentionTiles(shape, sharedBytes: limit)
    guard let shared = tiles.forwardBytes else {
      launch(
        plainAttention, "attention_plain",
        grid: LaunchGrid(shape.batch * shape.heads * shape.queries), block: 128,
        arguments: tensors + shape.columns + shape.arguments)
      return
    }
    let blocks = tiles.count(shape.queries, of: 64) * shape.heads * shape.batch
    launch(
      program("attention", shape, nil, vectorsIn: [q, k, v, o]), "attention",
      grid: LaunchGrid(blocks), block: 128, shared: shared, arguments: tensors + shape.arguments)
  }

  package func attentionBackward(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, o: Tensor,
    logSum: Tensor, dO: Tensor, dq: Tensor, dk: Tensor, dv: Tensor
  ) {
    let limit = device.sharedBytesPerBlock
    let sequences = shape.batch * shape.keyHeads
    let rows = [q, k, v, o, dO, dq, dk, dv]
    if let plan = GroupedAttentionPlan.backward(shape, on: device), areAligned(rows),
      shape.queries <= 256 || fillsDevice(sequences)
    {
      let tensors: [any KernelArgument] = [q, k, v, slopes, o, logSum, dO, dq, dk, dv]
      announce(2 * shape.pairs * Double(3 * shape.dim + 2 * shape.valueDim))
      launch(
        plan.program("grouped_attention_backward"), "grouped_attention_backward",
        grid: LaunchGrid(plan.blocks), block: plan.threads,
        shared: plan.sharedBytes, arguments: tensors + [Int32(sequences)] + shape.arguments)
      return
    }
    if let plan = HalfAttentionPlan.backward(shape, sharedBytes: limit),
      plan.parts == 1 || fillsDevice(sequences)
    {
      let program = program(
        "attention_halves_backward", shape, ("WARPS", plan.warps), vectorsIn: rows)
      let parts = plan.parts * (shape.heads / shape.keyHeads)
      let tensors: [any KernelArgument] = [q, k, v, slopes, o, logSum, dO, dq, dk, dv]
      for part in 0..<parts {
        announce(2 * shape.pairs * Double(3 * shape.dim + 2 * shape.valueDim) / Double(parts))
        launch(
          program, "attention_halves_backward", grid: LaunchGrid(sequences), block: plan.threads,
          shared: plan.sharedBytes, arguments: tensors + [part] + shape.arguments)
      }
      return
    }
    let deltas = empty([shape.batch, shape.heads, shape.queries])
    let tensors: [any KernelArgument] = [q, k, v, slopes, o, logSum, dO, deltas]
    let tiles = AttentionTiles(shape, sharedBytes: limit)
    guard let (tile, shared) = tiles.backward else {
      launch(
        plainAttention, "attention_plain_backward_queries",
        grid: LaunchGrid(shape.batch * shape.heads * shape.queries), block: 128,
        arguments: tensors + [dq] + shape.columns + shape.arguments)
      launch(
        plainAttention, "attention_plain_backward_keys",
        grid: LaunchGrid(shape.batch * shape.keyHeads * shape.keys), block: 128,
        arguments: tensors + [dk, dv] + shape.columns + shape.arguments)
      return
    }
    let program = program("attention_backward", shape, ("TILE", tile), vectorsIn: rows)
    let keyTiles = tiles.count(shape.keys, of: tile)
    guard keyTiles > 1, !fillsDevice(sequences) else {
      announce(2 * shape.pairs * Double(3 * shape.dim + 2 * shape.valueDim))
      launch(
        program, "attention_backward_keys", grid: LaunchGrid(sequences), block: 256,
        shared: shared, arguments: tensors + [dq, dk, dv, keyTiles] + shape.arguments)
      return
    }
    // Scores and the gradients of them are made by both kernels.
    let queryTiles = tiles.count(shape.queries, of: tile)
    announce(2 * shape.pairs * Double(2 * shape.dim + shape.valueDim))
    launch(
      program, "attention_backward_queries",
      grid: LaunchGrid(queryTiles * shape.heads * shape.batch), block: 256, shared: shared,
      arguments: tensors + [dq] + shape.arguments)
    let noGradient: Tensor? = nil
    announce(2 * shape.pairs * Double(2 * shape.dim + 2 * shape.valueDim))
    launch(
      program, "attention_backward_keys", grid: LaunchGrid(sequences * keyTiles), block: 256,
      shared: shared, arguments: tensors + [noGradient, dk, dv, 1] + shape.arguments)
  }

  /// Whether blocks that have a whole sequence each, and need 5 products for each pair of tiles, are
  /// done before smaller blocks that are always enough but need 7.
  func fillsDevice(_ sequences: Int) -> Bool {
    let rounds = (sequences + device.multiprocessors - 1) / device.multiprocessors
    return 5 * rounds * device.multiprocessors <= 7 * sequences
  }

  private var plainAttention: KernelProgram { KernelProgram("attention_plain") }

  private func areAligned(_ tensors: [Tensor]) -> Bool {
    tensors.allSatisfy { UInt(bitPattern: $0.pointer) % 16 == 0 }
  }

  /// A program for these columns; 16 bytes at a time where all rows of the tensors allow it.
  private func program(
    _ file: String, _ shape: AttentionShape, _ size: (name: String, value: Int)?,
    vectorsIn tensors: [Tensor]
  ) -> KernelProgram {
    let vectors =
      shape.dim % 4 == 0 && shape.valueDim % 4 == 0 && areAligned(tensors)
    var constants = [
      ("DIM", shape.dim), ("VALUE_DIM", shape.valueDim), ("VECTORS", vectors ? 1 : 0),
    ]
    if let size { constants.append(size) }
    return KernelProgram(
      file: file, constants: constants.map { KernelProgram.Constant(name: $0.0, value: $0.1) })
  }
}

extension AttentionShape {
  /// The last parameters of all kernels.
  var arguments: [any KernelArgument] {
    [queries, keys, heads, keyHeads, offset, window, scale]
  }
  /// What is a constant of the tiled kernels, but a parameter of the plain ones.
  fileprivate var columns: [any KernelArgument] { [dim, valueDim] }
}
