import Tensors

/// What mixes positions: attention, scans, cells and convolutions.
extension CountingBackend {
  func attention(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, into o: Tensor,
    logSum: Tensor
  ) {
    // Scores and sums, and between them the largest, the exponential and its sum.
    count(Double(2 * shape.dim + 2 * shape.valueDim + 4), each: shape.pairs)
  }

  func attentionBackward(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, o: Tensor,
    logSum: Tensor, dO: Tensor, dq: Tensor, dk: Tensor, dv: Tensor
  ) {
    // The scores again; the gradients of queries and keys; of values and weights.
    count(Double(6 * shape.dim + 4 * shape.valueDim + 5), each: shape.pairs)
  }

  func scan(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, into o: Tensor, final: Tensor?,
    checkpoints: Tensor?
  ) {
    count(shape.operations, each: shape.entries)
  }

  func scanBackward(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, checkpoints: Tensor, dO: Tensor,
    dFinal: Tensor?, into gradients: ScanTensors<Tensor?>
  ) {
    // The states again, without reading them; each product has two gradients.
    count(3 * shape.operations - 2, each: shape.entries)
  }

  func selectiveScan(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, into y: Tensor, ungated: Tensor?,
    final: Tensor?, checkpoints: Tensor?
  ) {
    count(7, each: shape.batch * shape.length * shape.channels * shape.states)
  }

  func selectiveScanBackward(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, ungated: Tensor?,
    checkpoints: Tensor, dy: Tensor, dFinal: Tensor?, into gradients: SelectiveTensors<Tensor?>
  ) {
    count(19, each: shape.batch * shape.length * shape.channels * shape.states)
  }

  func cell(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, into h: Tensor, lastH: Tensor?, lastC: Tensor?, saved: Tensor?
  ) {
    count(shape.productOperations + shape.gateOperations, each: h.count)
  }

  func cellBackward(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, h: Tensor, saved: Tensor, dh: Tensor, dLastH: Tensor?, dLastC: Tensor?,
    dx: Tensor, dRecurrent: Tensor?, dRecurrentBias: Tensor?, dh0: Tensor?, dc0: Tensor?
  ) {
    let products = shape.productOperations * (dRecurrent == nil ? 1 : 2)
    count(products + 2 * shape.gateOperations, each: h.count)
  }

  func shortConvolution(
    _ function: Elementwise, _ x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    into y: Tensor, next: Tensor?
  ) {
    count(2 * Double(weight.rows) + (bias == nil ? 0 : 1), each: y.count)
    apply(function, y, into: y)
  }

  func shortConvolutionBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    dy: Tensor, dx: Tensor, dweight: Tensor?, dbias: Tensor?
  ) {
    let taps = 2 * Double(weight.rows)
    count(taps * (dweight == nil ? 1 : 2) + (dbias == nil ? 0 : 1), each: dy.count)
    if function != .identity {
      count(taps, each: dy.count)
      applyBackward(function, x: x, y: dy, dy: dy, dx: dx, accumulate: false)
    }
  }

  func stabilisedGates(
    _ gates: Tensor, initial: Tensor?, decay: Tensor, strength: Tensor, stabiliser: Tensor,
    final: Tensor?
  ) {
    count(10, each: decay.count)
  }

  func stabilisedGatesBackward(
    _ gates: Tensor, decay: Tensor, strength: Tensor, dDecay: Tensor, dStrength: Tensor,
    dGates: Tensor
  ) {
    count(8, each: decay.count)
  }

  func normaliser(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, into factor: Tensor, final: Tensor?,
    states: Tensor?
  ) {
    count(inputs.decay == nil ? 3 : 4, each: inputs.k.count)
  }

  func normaliserBackward(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, states: Tensor, dFactor: Tensor,
    dq: Tensor?, dk: Tensor?, dDecay: Tensor?
  ) {
    count(inputs.decay == nil ? 6 : 8, each: inputs.k.count)
  }

  func taylorFeatures(_ x: Tensor, into y: Tensor) { count(2, each: y.count) }
  func taylorFeaturesBackward(_ x: Tensor, dy: Tensor, dx: Tensor) { count(4, each: dy.count) }
}

extension AttentionShape {
  /// Pairs of a query and a key that it sees.
  fileprivate var pairs: Int {
    let most = window > 0 ? window : keys
    let seen = (0..<queries).reduce(0) { $0 + min(most, min(keys, offset + $1 + 1)) }
    return batch * heads * seen
  }
}

extension ScanShape {
  /// Entries of the state, over all steps.
  fileprivate var entries: Int { batch * length * heads * keyDim * valueDim }

  /// Operations for each of them: read, write, decay, and what the write first removes.
  fileprivate var operations: Double {
    let removes: Double =
      switch update {
      case .add: 0
      case .delta: 2
      case .rankOne: 4
      }
    return 4 + (decay == .none ? 0 : 1) + removes
  }
}

extension CellShape {
  /// Operations for each number of the output.
  fileprivate var productOperations: Double { 2 * Double(kind.gates * dim) }
  fileprivate var gateOperations: Double {
    switch kind {
    case .elman: 2
    case .gru: 14
    case .lstm: 18
    case .slstm: 26
    }
  }
}
