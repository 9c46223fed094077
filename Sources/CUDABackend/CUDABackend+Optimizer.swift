package import Tensors

extension CUDABackend: OptimizerKernels {
  private static let optimizer = KernelProgram("optimizer")
  /// Gradients that one block sums in less time than several, which wait for the last of them.
  private static let fewGradients = 1 << 16

  package func gradientNorm(_ gradients: Tensor, into norm: Tensor) {
    checkAlignment(gradients)
    let count = gradients.count
    guard count > Self.fewGradients else {
      launch(
        Self.optimizer, "norm_of_few", grid: LaunchGrid(1), block: 1024, count, gradients, norm)
      return
    }
    let blocks = min((count / 4 + 255) / 256, device.multiprocessors * 2)
    // Two floats hold one double.
    let partial = empty([blocks, 2])
    launch(
      Self.optimizer, "gradient_norm", grid: LaunchGrid(blocks), block: 256, count, gradients,
      partial, counters(1), norm)
  }

  package func adamW(
    _ step: Tensor, decayed: Int, norm: Tensor, parameters: Tensor, gradients: Tensor,
    first: Tensor, second: Tensor, clearing: Bool
  ) {
    precondition(step.count == 8, "a step has 8 numbers")
    for tensor in [parameters, gradients, first, second] { checkAlignment(tensor) }
    launch(
      Self.optimizer, "adamw", grid: blocks(for: (parameters.count + 3) / 4), block: 256,
      parameters.count, decayed, step, norm, parameters, gradients, first, second, clearing)
  }

  /// The kernels move 16 bytes at a time.
  private func checkAlignment(_ tensor: Tensor) {
    precondition(tensor.pointer.raw.device % 16 == 0, "optimiser: parts of tensors")
  }
}
