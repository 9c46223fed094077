package import Tensors

extension CUDABackend: CellKernels {
  package func cellSavedCount(_ shape: CellShape) -> Int { shape.stateCount * shape.kind.kept }

  package func cell(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, into h: Tensor, lastH: Tensor?, lastC: Tensor?, saved: Tensor?
  ) {
    let plan = plan(shape, .forward)
    announce(shape.operations)
    launch(
      plan.program, plan.name, grid: plan.grid, block: plan.threads,
      shared: plan.sharedFloats * 4,
      x, recurrent, recurrentBias, h0, c0, h, lastH, lastC, saved, shape.batch, shape.length,
      shape.heads)
  }

  package func cellBackward(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, h: Tensor, saved: Tensor, dh: Tensor, dLastH: Tensor?, dLastC: Tensor?,
    dx: Tensor, dRecurrent: Tensor?, dRecurrentBias: Tensor?, dh0: Tensor?, dc0: Tensor?
  ) {
    let plan = plan(shape, .backward)
    let rows = [shape.batch * shape.length, shape.heads * shape.dim]
    let before = dRecurrent.map { _ in scratch(rows) }
    let wantsInner = shape.kind == .gru && (dRecurrent != nil || dRecurrentBias != nil)
    let inner = wantsInner ? scratch(rows) : nil
    announce(shape.operations)
    launch(
      plan.program, plan.name, grid: plan.grid, block: plan.threads,
      shared: plan.sharedFloats * 4,
      recurrent, h0, c0, h, saved, dh, dLastH, dLastC, dx, before, inner, dh0, dc0, shape.batch,
      shape.length, shape.heads)
    if let before, let dRecurrent {
      multiplyRecurrent(shape, before: before, dx: dx, inner: inner, into: dRecurrent)
    }
    if let inner, let dRecurrentBias { sumRows(inner, addedTo: dRecurrentBias) }
  }

  private func plan(_ shape: CellShape, _ pass: CellPlan.Pass) -> CellPlan {
    CellPlan(
      shape, pass, multiprocessors: device.multiprocessors,
      sharedBytes: device.sharedBytesPerBlock)
  }

  /// dR += the sum over all steps of h' delta, where h is the state before the step; the deltas are
  /// dx but for the GRU's candidate.
  private func multiplyRecurrent(
    _ shape: CellShape, before: Tensor, dx: Tensor, inner: Tensor?, into dRecurrent: Tensor
  ) {
    let (gates, dim, width) = (shape.kind.gates, shape.dim, shape.heads * shape.dim)
    /// Gates `first` on, from rows of `source` that are `step` floats.
    func add(_ source: Tensor, at offset: Int, step: Int, gates count: Int, from first: Int) {
      var product = MatrixProduct(
        m: dim, n: count * dim, k: shape.batch * shape.length, transposeA: true, beta: 1)
      product.batch = shape.heads
      (product.lda, product.strideA) = (width, dim)
      (product.ldb, product.strideB) = (step, dim)
      (product.ldc, product.strideC) = (gates * dim, dim * gates * dim)
      multiply(
        product, before, source.from(offset), bias: nil, into: dRecurrent.from(first * dim))
    }
    let ordinary = inner == nil ? gates : gates - 1
    if shape.heads == 1 {
      // The gates' columns follow each other, so they are one product.
      add(dx, at: 0, step: gates * width, gates: ordinary, from: 0)
    } else if width <= Self.widestDense {
      var product = MatrixProduct(
        m: dim, n: dim, k: shape.batch * shape.length, transposeA: true, beta: 1)
      product.batch = shape.heads
      (product.lda, product.ldb) = (width, gates * width)
      (product.ldc, product.strideC) = (gates * dim, dim * gates * dim)
      multiplyDense(product, groups: ordinary, before, dx, into: dRecurrent)
    } else {
      for gate in 0..<ordinary {
        add(dx, at: gate * width, step: gates * width, gates: 1, from: gate)
      }
    }
    if let inner { add(inner, at: 0, step: width, gates: 1, from: gates - 1) }
  }
}

extension CellShape {
  /// Operations of the products with R at all steps.
  var operations: Double { 2 * Double(stateCount) * Double(kind.gates * dim) }
  /// Floats of h at all steps.
  var stateCount: Int { batch * length * heads * dim }
}

extension CellShape.Kind {
  /// Vectors like h that the forward pass leaves.
  var kept: Int {
    switch self {
    case .elman: 0
    case .gru: 4
    case .lstm: 5
    case .slstm: 7
    }
  }

  /// Numbers that a cell reads at each step on the way back.
  var returnValues: Int {
    switch self {
    case .elman: 2
    case .gru: 6
    case .lstm: 7
    case .slstm: 9
    }
  }
}

extension Tensor {
  /// The elements from an index on.
  fileprivate func from(_ index: Int) -> Tensor {
    Tensor(storage: storage, offset: offset + index, shape: [count - index])
  }
}
