import Tensors

/// The gradient of R: dR += the sum over all steps of h' delta, where h is the state before the step;
/// the deltas are dx but for the GRU's candidate.
extension CUDABackend {
  /// Rows of states with the rows of gradients of the steps after them.
  private struct Steps {
    var states: Tensor
    /// The first row of each, and the rows from one step to the next.
    var state: (first: Int, step: Int)
    var delta: (first: Int, step: Int)
    var count: Int
    var alpha: Float = 1
  }

  /// - Parameters:
  ///   - shape: The cell.
  ///   - h: The states after all steps.
  ///   - h0: The states before the first step; nil for zeros.
  ///   - dx: The gradients of the cell's inputs.
  ///   - inner: The gradients of the recurrent part of the GRU's candidate.
  ///   - dRecurrent: The gradient of R.
  func multiplyRecurrent(
    _ shape: CellShape, h: Tensor, h0: Tensor?, dx: Tensor, inner: Tensor?, into dRecurrent: Tensor
  ) {
    let (batch, length) = (shape.batch, shape.length)
    if length > 1 {
      // The state before a step is that of the row before, so nobody copies it. At first steps, that
      // is the end of another sequence: these products are taken off again.
      let all = Steps(
        states: h, state: (0, 1), delta: (1, 1), count: batch * length - 1)
      let foreign = Steps(
        states: h, state: (length - 1, length), delta: (length, length), count: batch - 1,
        alpha: -1)
      add(all, shape, dx: dx, inner: inner, into: dRecurrent)
      add(foreign, shape, dx: dx, inner: inner, into: dRecurrent)
    }
    if let h0 {
      let first = Steps(states: h0, state: (0, 1), delta: (0, length), count: batch)
      add(first, shape, dx: dx, inner: inner, into: dRecurrent)
    }
  }

  private func add(
    _ steps: Steps, _ shape: CellShape, dx: Tensor, inner: Tensor?, into dRecurrent: Tensor
  ) {
    guard steps.count > 0 else { return }
    let (gates, dim, width) = (shape.kind.gates, shape.dim, shape.heads * shape.dim)
    let states = steps.states.from(steps.state.first * width)
    /// Gates `first` on, from rows of `source` that are `step` floats.
    func add(_ source: Tensor, at offset: Int, step: Int, gates count: Int, from first: Int) {
      var product = MatrixProduct(
        m: dim, n: count * dim, k: steps.count, transposeA: true, beta: 1)
      product.alpha = steps.alpha
      product.batch = shape.heads
      (product.lda, product.strideA) = (steps.state.step * width, dim)
      (product.ldb, product.strideB) = (steps.delta.step * step, dim)
      (product.ldc, product.strideC) = (gates * dim, dim * gates * dim)
      multiply(
        product, states, source.from(steps.delta.first * step + offset), bias: nil,
        into: dRecurrent.from(first * dim))
    }
    let ordinary = inner == nil ? gates : gates - 1
    if shape.heads == 1 {
      // The gates' columns follow each other, so they are one product.
      add(dx, at: 0, step: gates * width, gates: ordinary, from: 0)
    } else if width <= Self.widestDense {
      var product = MatrixProduct(m: dim, n: dim, k: steps.count, transposeA: true, beta: 1)
      product.alpha = steps.alpha
      product.batch = shape.heads
      (product.lda, product.ldb) = (steps.state.step * width, steps.delta.step * gates * width)
      (product.ldc, product.strideC) = (gates * dim, dim * gates * dim)
      multiplyDense(
        product, groups: ordinary, states, dx.from(steps.delta.first * gates * width),
        into: dRecurrent)
    } else {
      for gate in 0..<ordinary {
        add(dx, at: gate * width, step: gates * width, gates: 1, from: gate)
      }
    }
    if let inner { add(inner, at: 0, step: width, gates: 1, from: gates - 1) }
  }
}

extension Tensor {
  /// The elements from an index on.
  fileprivate func from(_ index: Int) -> Tensor {
    Tensor(storage: storage, offset: offset + index, shape: [count - index])
  }
}
