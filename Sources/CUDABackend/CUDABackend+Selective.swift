package import Tensors

/// How a selective scan's states lie in a block of a pass; `selective.cu` says what the constants
/// mean.
struct SelectivePlan {
  let shape: SelectiveShape
  /// Whether rows of channels may be copied by 16 bytes.
  let aligned: Bool
  private let pass: ScanPlan.Pass
  private let split: Int
  private let warps: Int
  /// Whether a lane has whole fours of states in both passes, which is how they are kept then.
  private let keepsQuads: Bool

  /// Tokens between two kept states.
  private var tokens = 8

  /// What a block may share with which it is as fast as with more.
  static let mostShared = 163 << 10

  /// - Parameters:
  ///   - shape: The scan.
  ///   - pass: Forward or backward.
  ///   - limit: What a block may share.
  ///   - aligned: Whether all that is copied begins at multiples of 16 bytes.
  init(
    _ shape: SelectiveShape, _ pass: ScanPlan.Pass, sharedBytes limit: Int, aligned: Bool = true
  ) {
    self.shape = shape
    self.pass = pass
    self.aligned = aligned && shape.channels % 4 == 0
    // Eight states of a lane work at a time, which hides how long each takes. Forward there are
    // registers for twice as many, which leaves fewer sums over lanes.
    let backwardSplit = Self.split(shape.states, by: 8)
    split = pass == .forward ? Self.split(shape.states, by: 16) : backwardSplit
    keepsQuads = shape.states % (4 * backwardSplit) == 0
    warps = pass == .forward ? 4 : 8
    if pass == .forward {
      // The backward pass says which states are kept.
      tokens = SelectivePlan(shape, .backward, sharedBytes: limit).tokens
    } else {
      let limit = min(limit, Self.mostShared)
      while tokens > 1, sharedBytes > limit { tokens /= 2 }
    }
  }

  /// The lanes that share a channel.
  private static func split(_ states: Int, by own: Int) -> Int {
    min(32, powerOfTwo(from: ceiling(states, own)))
  }

  /// The file of the pass, and its kernel.
  var name: String { pass == .forward ? "selective_forward" : "selective_backward" }
  var threads: Int { warps * 32 }
  /// States of a lane, and of a channel, filled up.
  private var own: Int { ceiling(shape.states, split) }
  private var padded: Int { own * split }
  private var channels: Int { warps * (32 / split) }
  /// Blocks that share a sequence.
  var tiles: Int { ceiling(shape.channels, channels) }
  /// Blocks that share the sequences: as many as are on the multiprocessors at a time, by the kernels'
  /// bounds.
  func strips(on device: CUDADevice) -> Int {
    let resident = pass == .backward ? 2 : split > 2 ? 3 : 4
    return min(shape.batch, max(1, resident * device.multiprocessors / tiles))
  }
  /// The states before each chunk of tokens but the first.
  var kept: Int { shape.batch * (ceiling(shape.length, tokens) - 1) }

  /// What is written and read by a chunk's tokens, in floats.
  private var numbers: Int { 2 * tokens * padded }
  /// Two chunks of `series` numbers of each channel, and of what is written and read.
  private func stages(_ series: Int) -> Int { 2 * (series * tokens * channels + numbers) }
  /// Dynamic shared memory: backward with the warps' sums and the threads' states before each token,
  /// two chunks' first ones.
  var sharedBytes: Int {
    pass == .forward
      ? 4 * stages(shape.hasGate ? 3 : 2)
      : 4 * (stages(3) + warps * numbers + (tokens + 1) * own * threads)
  }

  var program: KernelProgram {
    KernelProgram(
      name,
      [
        "STATES": shape.states, "SPLIT": split, "TOKENS": tokens, "WARPS": warps,
        "VECTOR": aligned ? 4 : 1, "BOTH_SIGNS": shape.bothSigns ? 1 : 0,
        "QUADS": keepsQuads ? 1 : 0, "LOG_RATES": shape.hasLogRates ? 1 : 0,
        "GATED": shape.hasGate ? 1 : 0,
      ])
  }
}

extension CUDABackend: SelectiveKernels {
  package var takesLogRates: Bool { true }
  package var foldsGate: Bool { true }

  /// The states before each chunk of tokens but the first.
  package func selectiveCheckpointCount(_ shape: SelectiveShape) -> Int {
    let plan = SelectivePlan(shape, .backward, sharedBytes: device.sharedBytesPerBlock)
    return max(1, plan.kept * shape.states * shape.channels)
  }

  package func selectiveScan(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, into y: Tensor, ungated: Tensor?,
    final: Tensor?, checkpoints: Tensor?
  ) {
    let copied = [inputs.x, inputs.step, inputs.write, inputs.read, inputs.gate]
    let plan = SelectivePlan(
      shape, .forward, sharedBytes: device.sharedBytesPerBlock,
      aligned: copied.allSatisfy { $0?.isAligned ?? true })
    launch(
      plan.program, plan.name, grid: LaunchGrid(plan.strips(on: device) * plan.tiles),
      block: plan.threads, shared: plan.sharedBytes, inputs.x, inputs.step, inputs.rate,
      inputs.write, inputs.read, inputs.skip, inputs.initial, inputs.gate, y, ungated, final,
      checkpoints, shape.batch, shape.channels, shape.length, plan.tiles)
  }

  package func selectiveScanBackward(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, ungated: Tensor?,
    checkpoints: Tensor, dy: Tensor, dFinal: Tensor?, into gradients: SelectiveTensors<Tensor?>
  ) {
    let moved = [
      inputs.x, inputs.step, inputs.write, inputs.read, inputs.gate, ungated, dy, gradients.write,
      gradients.read, gradients.gate,
    ]
    let plan = SelectivePlan(
      shape, .backward, sharedBytes: device.sharedBytesPerBlock,
      aligned: moved.allSatisfy { $0?.isAligned ?? true })
    let numbers = shape.batch * shape.length * shape.states
    /// The tiles' parts where there are several, else the gradient itself.
    func parts(_ target: Tensor?) -> Tensor? {
      target.map { plan.tiles > 1 ? empty([plan.tiles, numbers]) : $0 }
    }
    let (writeParts, readParts) = (parts(gradients.write), parts(gradients.read))
    let perStrip = (gradients.rate?.count ?? 0) + (gradients.skip?.count ?? 0)
    let strips = plan.strips(on: device)
    let sums = perStrip > 0 ? empty([strips, perStrip]) : nil
    launch(
      plan.program, plan.name, grid: LaunchGrid(strips * plan.tiles), block: plan.threads,
      shared: plan.sharedBytes, inputs.x, inputs.step, inputs.rate, inputs.write, inputs.read,
      inputs.skip, inputs.initial, inputs.gate, ungated, checkpoints, dy, dFinal, gradients.x,
      gradients.step, writeParts, readParts, gradients.initial, gradients.gate, sums,
      gradients.rate != nil, gradients.skip != nil, shape.batch, shape.channels, shape.length,
      plan.tiles)
    if plan.tiles > 1, writeParts != nil || readParts != nil {
      launch(
        plan.program, "selective_sums", grid: blocks(for: 2 * numbers), block: 256, plan.tiles,
        numbers, writeParts, readParts, gradients.write, gradients.read)
    }
    if let sums {
      addPartials(sums, strips: strips, to: gradients.rate, and: gradients.skip)
    }
  }
}
