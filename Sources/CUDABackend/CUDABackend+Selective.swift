package import Tensors

/// How a selective scan's states lie in a block; `selective.cu` says what the constants mean.
struct SelectivePlan {
  let shape: SelectiveShape
  /// Whether rows of channels may be copied by 16 bytes.
  let aligned: Bool
  private let split: Int

  /// Tokens between two kept states.
  private var tokens = 8

  private static let warps = 8
  /// What a block may share on the smallest GPU that the kernels are made for, sm_80.
  private static let sharedLimit = 163 << 10

  init(_ shape: SelectiveShape, aligned: Bool = true) {
    self.shape = shape
    self.aligned = aligned && shape.channels % 4 == 0
    // Eight states of a lane work at a time, which hides how long each takes.
    split = min(32, powerOfTwo(from: ceiling(shape.states, 8)))
    while tokens > 1, backwardBytes > Self.sharedLimit { tokens /= 2 }
  }

  var threads: Int { Self.warps * 32 }
  /// States of a lane, and of a channel, filled up.
  private var own: Int { ceiling(shape.states, split) }
  private var padded: Int { own * split }
  private var channels: Int { Self.warps * (32 / split) }
  /// Blocks that share a sequence.
  var tiles: Int { ceiling(shape.channels, channels) }
  var grid: LaunchGrid { LaunchGrid(shape.batch * tiles) }
  /// Blocks that share the sequences backward: two are on a multiprocessor at a time.
  func strips(on device: CUDADevice) -> Int {
    min(shape.batch, max(1, 2 * device.multiprocessors / tiles))
  }
  /// The states before each chunk of tokens but the first.
  var kept: Int { shape.batch * (ceiling(shape.length, tokens) - 1) }

  /// What is written and read by a chunk's tokens, in floats.
  private var numbers: Int { 2 * tokens * padded }
  /// Two chunks of `series` numbers of each channel, and of what is written and read.
  private func stages(_ series: Int) -> Int { 2 * (series * tokens * channels + numbers) }
  var forwardBytes: Int { 4 * stages(2) }
  /// With the warps' sums and the threads' states before each token, two chunks' first ones.
  var backwardBytes: Int {
    4 * (stages(3) + Self.warps * numbers + (tokens + 1) * own * threads)
  }

  func program(_ file: String) -> KernelProgram {
    KernelProgram(
      file,
      [
        "STATES": shape.states, "SPLIT": split, "TOKENS": tokens, "WARPS": Self.warps,
        "VECTOR": aligned ? 4 : 1, "BOTH_SIGNS": shape.bothSigns ? 1 : 0,
      ])
  }
}

extension CUDABackend: SelectiveKernels {
  /// The states before each chunk of tokens but the first.
  package func selectiveCheckpointCount(_ shape: SelectiveShape) -> Int {
    max(1, SelectivePlan(shape).kept * shape.states * shape.channels)
  }

  package func selectiveScan(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, into y: Tensor, final: Tensor?,
    checkpoints: Tensor?
  ) {
    let plan = SelectivePlan(
      shape, aligned: [inputs.x, inputs.step].allSatisfy { $0?.isAligned ?? false })
    launch(
      plan.program("selective_forward"), "selective_forward", grid: plan.grid,
      block: plan.threads, shared: plan.forwardBytes, inputs.x, inputs.step, inputs.rate,
      inputs.write, inputs.read, inputs.skip, inputs.initial, y, final, checkpoints,
      shape.channels, shape.length, plan.tiles)
  }

  package func selectiveScanBackward(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, checkpoints: Tensor, dy: Tensor,
    dFinal: Tensor?, into gradients: SelectiveTensors<Tensor?>
  ) {
    let plan = SelectivePlan(
      shape, aligned: [inputs.x, inputs.step, dy].allSatisfy { $0?.isAligned ?? false })
    let program = plan.program("selective_backward")
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
      program, "selective_backward", grid: LaunchGrid(strips * plan.tiles), block: plan.threads,
      shared: plan.backwardBytes, inputs.x, inputs.step, inputs.rate, inputs.write, inputs.read,
      inputs.skip, inputs.initial, checkpoints, dy, dFinal, gradients.x, gradients.step,
      writeParts, readParts, gradients.initial, sums, gradients.rate != nil, gradients.skip != nil,
      shape.batch,
      shape.channels, shape.length, plan.tiles)
    if plan.tiles > 1, writeParts != nil || readParts != nil {
      launch(
        program, "selective_sums", grid: blocks(for: 2 * numbers), block: 256, plan.tiles,
        numbers, writeParts, readParts, gradients.write, gradients.read)
    }
    if let sums {
      addPartials(sums, strips: strips, to: gradients.rate, and: gradients.skip)
    }
  }
}
