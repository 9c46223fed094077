package import Tensors

extension CUDABackend {
  package func fusesHeadMaps(rows: Int, heads: Int, dim: Int) -> Bool {
    [16, 32].contains(dim) && (1...8).contains(heads) && (1..<1 << 28).contains(rows)
  }

  /// Four warps for each head should not be more than a block of sixteen, for the sake of registers.
  package func fusesMappedCell(heads: Int) -> Bool { heads <= 4 }

  package func headMaps(_ inputs: HeadMaps, into y: Tensor) {
    let rows = inputs.x.rows
    announce(inputs.operations)
    launch(
      inputs.program(.forward, y), "head_maps", grid: inputs.grid(rows, device),
      block: inputs.threads,
      arguments: [rows, inputs.x, inputs.z] + inputs.weights + [inputs.bias, y])
  }

  package func headMapsBackward(
    _ inputs: HeadMaps, dy: Tensor, into gradients: HeadMapsGradients
  ) {
    let rows = inputs.x.rows
    announce(2 * inputs.operations)
    launch(
      inputs.program(.inputGradient, dy, gradients.x.tensor, gradients.z.tensor),
      "head_maps_inputs", grid: inputs.grid(rows, device), block: inputs.threads,
      arguments: [rows] + inputs.weights + [dy] + gradients.x.arguments + gradients.z.arguments)
    let cell = gradients.cell
    // In the order of the kernel's sums.
    let targets = gradients.weights + [gradients.bias] + (cell.map { [$0.recurrent] } ?? [])
    let sums = targets.map { PartSum(to: $0, accumulate: true) }
    // A block leaves as many sums as there are weights, whatever its rows.
    let grid = LaunchGrid(min(ceiling(rows, 64), device.multiprocessors))
    let partial = empty([grid.x, sums.total])
    if cell != nil { announce(inputs.operations) }
    launch(
      inputs.program(
        cell == nil ? .weightGradient : .allWeightGradients, dy, cell?.states ?? dy),
      "head_maps_weights", grid: grid, block: (cell == nil ? 1 : 2) * inputs.threads,
      rows, inputs.x, inputs.z, cell?.states, cell?.length ?? 0, dy, partial)
    addParts(partial, splits: grid.x, to: sums)
  }
}

extension HeadMaps {
  fileprivate enum Kind: Int { case forward, inputGradient, weightGradient, allWeightGradients }

  fileprivate var heads: Int { weights[0].shape[0] }
  fileprivate var dim: Int { weights[0].shape[1] }
  /// A warp for each input and head.
  fileprivate var threads: Int { 2 * heads * 32 }
  fileprivate var operations: Double { 8 * Double(x.count * dim) }

  fileprivate func program(_ kind: Kind, _ others: Tensor...) -> KernelProgram {
    KernelProgram(
      "head_maps",
      [
        "KIND": kind.rawValue, "HEADS": heads, "DIM": dim,
        "VECTOR": ([x, z] + weights + others).allSatisfy(\.isAligned) ? 4 : 1,
      ])
  }

  /// Sixteen warps for each multiprocessor, which have sixteen rows at a time.
  fileprivate func grid(_ rows: Int, _ device: CUDADevice) -> LaunchGrid {
    LaunchGrid(min(ceiling(rows, 32), device.multiprocessors * max(1, 512 / threads)))
  }
}
