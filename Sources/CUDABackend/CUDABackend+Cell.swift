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
      plan.program, plan.name, grid: plan.grid, block: plan.threads, shared: plan.sharedBytes,
      x, recurrent, recurrentBias, h0, c0, h, lastH, lastC, saved, shape.batch, shape.length,
      shape.heads)
  }

  package func cellBackward(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, h: Tensor, saved: Tensor, dh: Tensor, dLastH: Tensor?, dLastC: Tensor?,
    dx: Tensor, dRecurrent: Tensor?, dRecurrentBias: Tensor?, dh0: Tensor?, dc0: Tensor?
  ) {
    let wantsInner = shape.kind == .gru && (dRecurrent != nil || dRecurrentBias != nil)
    let inner = wantsInner ? scratch([shape.batch * shape.length, shape.heads * shape.dim]) : nil
    let plan = plan(shape, .backward)
    announce(shape.operations)
    launch(
      plan.program, plan.name, grid: plan.grid, block: plan.threads, shared: plan.sharedBytes,
      recurrent, h0, c0, h, saved, dh, dLastH, dLastC, dx, inner, dh0, dc0, shape.batch,
      shape.length, shape.heads)
    if let dRecurrent {
      multiplyRecurrent(shape, h: h, h0: h0, dx: dx, inner: inner, into: dRecurrent)
    }
    if let inner, let dRecurrentBias {
      sumRows(inner, addedTo: dRecurrentBias)
    }
  }

  private func plan(_ shape: CellShape, _ pass: CellPlan.Pass) -> CellPlan {
    CellPlan(
      shape, pass, multiprocessors: device.multiprocessors,
      sharedBytes: device.sharedBytesPerBlock)
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
    case .slstm: 6
    }
  }

  /// Numbers that a cell reads at each step on the way back.
  var returnValues: Int {
    switch self {
    case .elman: 2
    case .gru: 6
    case .lstm: 6
    case .slstm: 7
    }
  }
}
