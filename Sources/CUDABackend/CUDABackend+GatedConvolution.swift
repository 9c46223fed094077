package import Tensors

extension CUDABackend {
  package func gatedConvolution(_ inputs: GatedConvolution, into y: Tensor) {
    let (batch, length, channels) = (y.shape[0], y.shape[1], y.shape[2])
    let plan = GatedConvolutionPlan(
      inputs, [y], chunk: 16, filling: device.multiprocessors * 768)
    launch(
      plan.program, "gated_convolution", grid: LaunchGrid(plan.groups, plan.tiles),
      block: RowThreads.blockSize, batch, length, channels, inputs.x, inputs.weight, inputs.bias,
      inputs.gate, inputs.gateBias, y)
  }

  package func gatedConvolutionBackward(
    _ inputs: GatedConvolution, dy: Tensor, into gradients: GatedConvolutionGradients
  ) {
    let (batch, length, channels) = (dy.shape[0], dy.shape[1], dy.shape[2])
    let plan = GatedConvolutionPlan(
      inputs, [dy, gradients.x.tensor, gradients.gate], chunk: 32,
      filling: device.multiprocessors * 256)
    let blocks = min(plan.groups, max(1, device.multiprocessors * 2 / plan.tiles))
    let sums = [gradients.weight, gradients.bias, gradients.gateBias].map {
      PartSum(to: $0, accumulate: true)
    }
    let partial = empty([blocks, sums.total])
    launch(
      plan.program, "gated_convolution_backward", grid: LaunchGrid(blocks, plan.tiles),
      block: RowThreads.blockSize, batch, length, channels, inputs.x, inputs.weight, inputs.bias,
      inputs.gate, inputs.gateBias, dy, gradients.x.tensor, gradients.x.accumulate, gradients.gate,
      partial)
    if plan.groups > 0 { addParts(partial, splits: blocks, to: sums) }
  }
}

/// How threads share the channels and positions, in the terms of `gated_convolution.cu`.
private struct GatedConvolutionPlan {
  let program: KernelProgram
  /// Blocks that would have one chunk for each slot of threads.
  let groups: Int
  /// Blocks beside each other that have all channels.
  let tiles: Int

  /// - Parameters:
  ///   - inputs: What is convolved.
  ///   - others: Further tensors that are read or written several floats at once.
  ///   - most: The most positions of a thread: the more, the fewer are read twice.
  ///   - filling: Threads that a device should have.
  init(_ inputs: GatedConvolution, _ others: [Tensor], chunk most: Int, filling: Int) {
    let shape = inputs.x.shape
    let threads = RowThreads(
      columns: shape[2], aligned: ([inputs.x, inputs.gate] + others).allSatisfy(\.isAligned))
    tiles = quotient(shape[2], roundedUpBy: threads.columnsAtOnce)
    var chunk = most
    while chunk > 4, shape[0] * shape[1] * threads.lanes * tiles / chunk < filling { chunk /= 2 }
    let items = shape[0] * quotient(shape[1], roundedUpBy: chunk)
    groups = quotient(items, roundedUpBy: threads.rowsPerBlock)
    program = KernelProgram(
      "gated_convolution",
      [
        "WIDTH": inputs.weight.shape[0], "VECTOR": threads.vector, "LANES": threads.lanes,
        "CHUNK": chunk,
      ])
  }
}
