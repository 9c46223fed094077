package import Tensors

/// A scan runs in chunks on the tensor cores where there is a kernel for its options and sizes, with
/// factors of 16 bits if there is one, else token by token.
extension CUDABackend: ScanKernels {
  package func scanCheckpointCount(_ shape: ScanShape) -> Int {
    vectorPlan(shape)?.keptCount ?? kept(of: shape).count
  }

  /// Where they are made in the scan they are not read and written once more.
  package func takesLogits(_ shape: ScanShape) -> Bool {
    shape.update == .delta && vectorPlan(shape) == nil
      && HalfScanPlan(shape, sharedBytes: device.sharedBytesPerBlock) != nil
  }

  package func scan(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, into o: Tensor, final: Tensor?,
    checkpoints: Tensor?
  ) {
    if let plan = vectorPlan(shape) {
      return vectorScan(plan, inputs, into: o, final: final, checkpoints: checkpoints)
    }
    let kept = kept(of: shape)
    let states = checkpoints.map { kept.states(in: $0) }
    let answers = checkpoints.map { kept.answers(in: $0) }
    let aligned = inputs.areAligned(
      hasDecayRows: shape.decay == .vector, with: [o, final, states, answers])
    announce(shape.operations)
    if let plan = HalfScanPlan(
      shape, sharedBytes: device.sharedBytesPerBlock,
      hasState: inputs.initial != nil || final != nil)
    {
      launch(
        plan.program(.forward, aligned: aligned), plan.name(.forward), grid: plan.grid,
        block: plan.threads, shared: plan.forwardFloats * 4,
        inputs.q, inputs.k, inputs.v, inputs.decay, inputs.beta, inputs.initial, o, final, states,
        answers, checkpoints.map { kept.inverses(in: $0) }, checkpoints.map { kept.scales(in: $0) },
        shape.heads, shape.keyHeads, shape.length, shape.scale, Tensor?.none, Tensor?.none,
        Tensor?.none, Tensor?.none, Tensor?.none, Float(0))
      return
    }
    if let plan = ScanChunkPlan(shape, sharedBytes: device.sharedBytesPerBlock) {
      launch(
        plan.program(.forward, aligned: aligned), plan.name(.forward), grid: plan.grid,
        block: plan.threads, shared: plan.forwardFloats * 4,
        inputs.q, inputs.k, inputs.v, inputs.decay, inputs.beta, inputs.initial, o, final, states,
        answers, checkpoints.map { kept.inverses(in: $0) }, shape.heads, shape.keyHeads,
        shape.length, shape.scale)
    } else {
      let plan = ScanPlan(shape, sharedBytes: device.sharedBytesPerBlock)
      launch(
        plan.program(.forward, aligned: aligned), "scan_forward",
        grid: LaunchGrid(shape.batch * shape.heads, plan.forward.tiles(shape)),
        block: plan.forward.threads, shared: plan.forwardFloats * 4,
        inputs.q, inputs.k, inputs.v, inputs.decay, inputs.beta, inputs.a, inputs.b, inputs.bonus,
        inputs.initial, o, final, states, answers, shape.heads, shape.keyHeads, shape.length,
        shape.scale)
    }
  }

  package func scanBackward(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, checkpoints: Tensor, dO: Tensor,
    dFinal: Tensor?, into gradients: ScanTensors<Tensor?>
  ) {
    if let plan = vectorPlan(shape) {
      return vectorScanBackward(
        plan, inputs, checkpoints: checkpoints, dO: dO, dFinal: dFinal, into: gradients)
    }
    let kept = kept(of: shape)
    let (states, answers) = (kept.states(in: checkpoints), kept.answers(in: checkpoints))
    let aligned = inputs.areAligned(
      hasDecayRows: shape.decay == .vector,
      with: [dO, states, answers, gradients.q, gradients.k, gradients.v, gradients.initial])
    announce(2.5 * shape.operations)
    let parts: ScanParts
    if let plan = HalfScanPlan(
      shape, sharedBytes: device.sharedBytesPerBlock,
      hasState: inputs.initial != nil || dFinal != nil || gradients.initial != nil)
    {
      parts = ScanParts(of: gradients, shape, tiles: 1, on: self)
      launch(
        plan.program(.backward, aligned: aligned), plan.name(.backward), grid: plan.grid,
        block: plan.threads, shared: plan.backwardFloats * 4,
        inputs.q, inputs.k, inputs.v, inputs.decay, inputs.beta, inputs.initial, states, answers,
        kept.inverses(in: checkpoints), kept.scales(in: checkpoints), dO, dFinal, parts.q.place,
        parts.k.place, gradients.v, parts.decay.place, parts.beta.place, gradients.initial,
        shape.heads, shape.keyHeads, shape.length, shape.scale, Tensor?.none, Tensor?.none,
        Tensor?.none, Tensor?.none, Tensor?.none)
    } else if let plan = ScanChunkPlan(shape, sharedBytes: device.sharedBytesPerBlock) {
      parts = ScanParts(of: gradients, shape, tiles: plan.grid.y, on: self)
      launch(
        plan.program(.backward, aligned: aligned), plan.name(.backward), grid: plan.grid,
        block: plan.threads, shared: plan.backwardFloats * 4,
        inputs.q, inputs.k, shape.update == .add ? inputs.v : answers, inputs.decay, inputs.beta,
        inputs.initial, states, kept.inverses(in: checkpoints), dO, dFinal, parts.q.place,
        parts.k.place,
        gradients.v, parts.decay.place, parts.beta.place, gradients.initial, shape.batch,
        shape.heads, shape.keyHeads, shape.length, shape.scale)
    } else {
      let plan = ScanPlan(shape, sharedBytes: device.sharedBytesPerBlock)
      let tiles = plan.backward.tiles(shape)
      parts = ScanParts(of: gradients, shape, tiles: tiles, on: self)
      launch(
        plan.program(.backward, aligned: aligned), "scan_backward",
        grid: LaunchGrid(shape.batch * shape.heads, tiles), block: plan.backward.threads,
        shared: plan.backwardFloats * 4,
        inputs.q, inputs.k, inputs.v, inputs.decay, inputs.beta, inputs.a, inputs.b, inputs.bonus,
        states, answers, dO, dFinal, parts.q.place, parts.k.place, gradients.v, parts.decay.place,
        parts.beta.place, parts.a.place, parts.b.place, parts.bonus.place, gradients.initial,
        shape.batch, shape.heads, shape.keyHeads, shape.length, shape.scale)
    }
    for part in parts.all { fold(part) }
  }

  /// Adds up what the blocks left of a gradient.
  func fold(_ part: ScanPart) {
    guard let target = part.target, part.isScratch else { return }
    launch(
      KernelProgram("scan_fold"), "scan_fold", grid: blocks(for: target.count), block: 256,
      part.place, target, part.count, part.rows, part.groups, part.members, part.dim,
      part.accumulates)
  }

  private func kept(of shape: ScanShape) -> KeptScan {
    if let plan = HalfScanPlan(shape, sharedBytes: device.sharedBytesPerBlock) {
      return KeptScan(shape, halvesInChunksOf: plan.tokens)
    }
    if let plan = ScanChunkPlan(shape, sharedBytes: device.sharedBytesPerBlock) {
      return KeptScan(
        shape, chunks: ceiling(shape.length, plan.tokens), inverse: plan.tokens * plan.tokens)
    }
    let plan = ScanPlan(shape, sharedBytes: device.sharedBytesPerBlock)
    return KeptScan(shape, chunks: plan.chunks, inverse: 0)
  }
}

/// What the forward pass leaves: the states before each chunk, then, where the update has them, each
/// token's answer and the chunks' inverses.
struct KeptScan {
  private let stateCount: Int
  private let answerCount: Int
  private let inverseCount: Int
  private let scaleCount: Int

  /// - Parameters:
  ///   - shape: The scan.
  ///   - chunks: The chunks of a sequence.
  ///   - inverse: Floats of a chunk's inverse.
  init(_ shape: ScanShape, chunks: Int, inverse: Int) {
    stateCount = shape.batch * shape.heads * chunks * shape.keyDim * shape.valueDim
    let hasAnswers = shape.update != .add
    answerCount = hasAnswers ? shape.batch * shape.length * shape.heads * shape.valueDim : 0
    inverseCount = hasAnswers ? shape.batch * shape.heads * chunks * inverse : 0
    scaleCount = 0
  }

  /// With states and answers as 16-bit floats, the latter for whole chunks, and two powers of two for
  /// each chunk that those are to be divided by.
  init(_ shape: ScanShape, halvesInChunksOf tokens: Int) {
    let chunks = shape.batch * shape.heads * ceiling(shape.length, tokens)
    let hasAnswers = shape.update != .add
    stateCount = chunks * shape.keyDim * shape.valueDim / 2
    answerCount = hasAnswers ? chunks * tokens * shape.valueDim / 2 : 0
    inverseCount = hasAnswers ? chunks * tokens * tokens : 0
    scaleCount = chunks * 2
  }

  var count: Int { stateCount + answerCount + inverseCount + scaleCount }

  /// The states, [batch, heads, chunks, key, value].
  func states(in checkpoints: Tensor) -> Tensor { checkpoints.slice(0, stateCount) }
  /// The answers, [batch, length, heads, value].
  func answers(in checkpoints: Tensor) -> Tensor { checkpoints.slice(stateCount, answerCount) }
  /// The inverses, [batch, heads, chunks, tokens, tokens].
  func inverses(in checkpoints: Tensor) -> Tensor {
    checkpoints.slice(stateCount + answerCount, inverseCount)
  }
  /// The powers of two, [batch, heads, chunks, 2].
  func scales(in checkpoints: Tensor) -> Tensor {
    checkpoints.slice(stateCount + answerCount + inverseCount, scaleCount)
  }
}

extension Tensor {
  fileprivate func slice(_ start: Int, _ count: Int) -> Tensor {
    Tensor(storage: storage, offset: offset + start, shape: [count])
  }
}

extension CUDABackend {
  /// Memory until the work queued now has used it.
  func scratch(_ shape: [Int]) -> Tensor {
    Tensor(storage: pool.allocate(byteCount: shape.reduce(4, *)), shape: shape)
  }
}

extension ScanTensors<Tensor?> {
  /// Whether the rows of all inputs and others start at addresses that 16 bytes can be fetched from.
  func areAligned(hasDecayRows: Bool, with others: [Tensor?]) -> Bool {
    ([q, k, v, hasDecayRows ? decay : nil, a, b, initial] + others).allSatisfy {
      UInt(bitPattern: $0?.pointer.raw) % 16 == 0
    }
  }
}
