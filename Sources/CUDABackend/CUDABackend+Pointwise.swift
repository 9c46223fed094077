package import Tensors

extension CUDABackend: PointwiseKernels {
  private static let arithmetic = KernelProgram("pointwise")

  /// The kernels of one element-wise function.
  private static let functions: [KernelProgram] = Elementwise.allCases.map {
    KernelProgram("pointwise", ["FUNCTION": Int($0.rawValue)])
  }

  private static func program(_ function: Elementwise) -> KernelProgram {
    functions[Int(function.rawValue)]
  }

  /// Blocks for kernels whose threads move four elements at a time.
  private func quadBlocks(for count: Int) -> LaunchGrid { blocks(for: (count + 3) / 4) }

  package func apply(_ function: Elementwise, _ x: Tensor, into y: Tensor) {
    launch(
      Self.program(function), "unary", grid: quadBlocks(for: x.count), block: 256, x.count, x, y)
  }

  package func applyBackward(
    _ function: Elementwise, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool
  ) {
    launch(
      Self.program(function), "unary_backward", grid: quadBlocks(for: x.count), block: 256,
      x.count, x, y, dy, dx, accumulate)
  }

  package func apply(
    _ function: Elementwise, _ x: Tensor, scaledBy alpha: Float, into y: Tensor
  ) {
    launch(
      Self.program(function), "scaled_unary", grid: quadBlocks(for: x.count), block: 256, x.count,
      alpha, x, y)
  }

  package func applyBackward(
    _ function: Elementwise, x: Tensor, scaledBy alpha: Float, dy: Tensor, dx: Tensor,
    accumulate: Bool
  ) {
    launch(
      Self.program(function), "scaled_unary_backward", grid: quadBlocks(for: x.count), block: 256,
      x.count, alpha, x, dy, dx, accumulate)
  }

  package func addSum(of x: Tensor, scaledBy scale: Tensor, to total: Tensor) {
    launch(
      Self.arithmetic, "add_scaled_sum", grid: LaunchGrid(1), block: 1024, x.count, x, scale,
      total)
  }

  package func add(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    arithmetic("add", y.count, y.count, a, b, y)
  }

  package func subtract(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    arithmetic("subtract", y.count, y.count, a, b, y)
  }

  package func multiply(_ a: Tensor, _ b: Tensor, into y: Tensor, accumulate: Bool) {
    arithmetic("multiply", y.count, y.count, a, b, y, accumulate)
  }

  package func addScaled(_ alpha: Float, _ x: Tensor, to y: Tensor) {
    arithmetic("add_scaled", y.count, y.count, alpha, x, y)
  }

  package func affine(_ x: Tensor, scale alpha: Float, shift beta: Float, into y: Tensor) {
    arithmetic("affine", y.count, y.count, alpha, beta, x, y)
  }

  package func gate(_ function: Elementwise, _ a: Tensor, by b: Tensor, into y: Tensor) {
    launch(
      Self.program(function), "gate", grid: quadBlocks(for: y.count), block: 256, y.count, a, b, y)
  }

  package func gateBackward(
    _ function: Elementwise, a: Tensor, b: Tensor, dy: Tensor,
    da: Tensor?, accumulateA: Bool, db: Tensor?, accumulateB: Bool
  ) {
    guard da != nil || db != nil else { return }
    launch(
      Self.program(function), "gate_backward", grid: quadBlocks(for: dy.count), block: 256,
      dy.count, a, b, dy, da, accumulateA, db, accumulateB)
  }

  /// Queues one of the kernels of arithmetic.
  func arithmetic(_ name: String, _ count: Int, _ arguments: any KernelArgument...) {
    launch(
      Self.arithmetic, name, grid: quadBlocks(for: count), block: 256, arguments: arguments)
  }

  /// c = beta c + bias in every row: what a product is then added to.
  func beginProduct(_ product: MatrixProduct, beta: Float, bias: Tensor?, in c: Tensor) {
    launch(
      Self.arithmetic, "begin_product", grid: blocks(for: product.batch * product.m * product.n),
      block: 256, product.batch, product.m, product.n, product.ldc, product.strideC, beta, bias, c)
  }
}
