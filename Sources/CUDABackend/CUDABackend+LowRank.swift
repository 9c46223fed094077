package import Tensors

extension CUDABackend {
  package func fusesLowRankSoftplus(rows: Int, rank: Int, columns: Int) -> Bool {
    [1, 2, 4, 8, 16].contains(rank) && [128, 256, 512, 1024].contains(columns) && rows > 0
  }

  package func lowRankSoftplus(_ x: Tensor, weight: Tensor, bias: Tensor, into y: Tensor) {
    let threads = LowRankThreads(rank: x.columns, [x, y], columns: y.columns)
    launch(
      threads.program, "low_rank_softplus",
      grid: rowGrid(x.rows, perBlock: threads.groups * 2, most: 8), block: LowRankThreads.count,
      x.rows, x, weight, bias, y)
  }

  package func lowRankSoftplusBackward(
    _ x: Tensor, weight: Tensor, y: Tensor, dy: Tensor, dx: GradientTarget, dweight: Tensor,
    dbias: Tensor
  ) {
    let threads = LowRankThreads(rank: x.columns, [x, y, dy], columns: y.columns)
    let sums = [dweight, dbias].map { PartSum(to: $0, accumulate: true) }
    let grid = rowGrid(x.rows, perBlock: threads.groups * 4, most: 2)
    let partial = empty([grid.x, sums.total])
    launch(
      threads.program, "low_rank_softplus_backward", grid: grid, block: LowRankThreads.count,
      x.rows, x, weight, y, dy, dx.tensor, dx.accumulate, partial)
    addParts(partial, splits: grid.x, to: sums)
  }
}

/// The threads of `low_rank_softplus.cu`, in its terms.
private struct LowRankThreads {
  static let count = 256
  let program: KernelProgram
  /// Rows beside each other.
  let groups: Int

  init(rank: Int, _ tensors: [Tensor], columns: Int) {
    let quads = columns / 4
    groups = Self.count / quads
    program = KernelProgram(
      "low_rank_softplus",
      ["RANK": rank, "QUADS": quads, "VECTOR": tensors.allSatisfy(\.isAligned) ? 4 : 1])
  }
}
