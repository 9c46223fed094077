package import Tensors

extension CUDABackend {
  package func fusesGatedBlocks(rows: Int, blocks: [Int], gates: Int) -> Bool {
    blocks.dropFirst() == [4, 4] && [32, 64, 96, 128].contains(blocks[0])
      && [2, 4, 8].contains(gates) && rows > 0
  }

  package func gatedBlocks(_ inputs: GatedBlocks, into outputs: GatedBlockOutputs) {
    let rows = inputs.x.rows
    launch(
      inputs.program(outputs.vectors), "gated_blocks", grid: grid(rows),
      block: inputs.threads,
      arguments: [rows] + inputs.arguments + [inputs.bias] + outputs.vectors + [outputs.gates])
  }

  package func gatedBlocksBackward(
    _ inputs: GatedBlocks, _ outputs: GatedBlockOutputs, into gradients: GatedBlocksGradients
  ) {
    let rows = inputs.x.rows
    // In the order of the kernel's sums.
    let targets =
      zip(gradients.blocks, gradients.gates).flatMap { [$0, $1] } + [gradients.bias]
    let sums = targets.map { PartSum(to: $0, accumulate: true) }
    let grid = grid(rows)
    let partial = empty([grid.x, sums.total])
    launch(
      inputs.program(
        outputs.vectors + [outputs.gates, gradients.x.tensor, gradients.z.tensor]),
      "gated_blocks_backward", grid: grid, block: inputs.threads,
      arguments: [rows] + inputs.arguments + outputs.vectors + [outputs.gates]
        + gradients.x.arguments + gradients.z.arguments + [partial])
    addParts(partial, splits: grid.x, to: sums)
  }

  /// Blocks of threads that have rows enough to pay for their weights, two for each multiprocessor.
  private func grid(_ rows: Int) -> LaunchGrid {
    LaunchGrid(min(ceiling(rows, 16), device.multiprocessors * 2))
  }
}

extension GatedBlocks {
  fileprivate var threads: Int { 3 * blocks[0].shape[0] }

  fileprivate var arguments: [any KernelArgument] { [x, z] + blocks + gates }

  fileprivate func program(_ others: [Tensor]) -> KernelProgram {
    KernelProgram(
      "gated_blocks",
      [
        "BLOCKS": blocks[0].shape[0], "COLUMNS": bias.count,
        "VECTOR": ([x, z] + blocks + gates + others).allSatisfy(\.isAligned) ? 4 : 1,
      ])
  }
}
