package import Tensors

extension CUDABackend: ConvolutionKernels {
  package func shortConvolution(
    _ function: Elementwise, _ x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    into y: Tensor, next: Tensor?
  ) {
    convolve(
      function, [ConvolvedTensor(x: x, weight: weight, bias: bias)], head: 0, epsilon: 0,
      into: [y], previous: previous, next: next)
  }

  package func shortConvolutionBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    dy: Tensor, dx: Tensor, dweight: Tensor?, dbias: Tensor?
  ) {
    convolveBackward(
      function, [ConvolvedTensor(x: x, weight: weight, bias: bias)], head: 0, epsilon: 0,
      previous: previous, [ConvolutionGradients(dy: dy, dx: dx, dweight: dweight, dbias: dbias)])
  }

  package func fusesConvolutions(unitHeads dim: Int, channels: [Int]) -> Bool {
    ConvolutionThreads.lanes(ofHead: dim, channels: channels) != nil
  }

  package func shortConvolutions(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], unitHeads dim: Int, epsilon: Float,
    into ys: [Tensor]
  ) {
    for part in stride(from: 0, to: inputs.count, by: ConvolutionThreads.most) {
      let range = part..<min(part + ConvolutionThreads.most, inputs.count)
      convolve(
        function, inputs[range].map(aligned), head: dim, epsilon: epsilon, into: Array(ys[range]),
        previous: nil, next: nil)
    }
  }

  package func shortConvolutionsBackward(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], unitHeads dim: Int, epsilon: Float,
    _ gradients: [ConvolutionGradients]
  ) {
    for part in stride(from: 0, to: inputs.count, by: ConvolutionThreads.most) {
      let range = part..<min(part + ConvolutionThreads.most, inputs.count)
      let gradients = gradients[range].map { gradient in
        var gradient = gradient
        gradient.dy = aligned(gradient.dy)
        return gradient
      }
      convolveBackward(
        function, inputs[range].map(aligned), head: dim, epsilon: epsilon, previous: nil,
        gradients)
    }
  }

  private func aligned(_ input: ConvolvedTensor) -> ConvolvedTensor {
    var input = input
    input.x = aligned(input.x)
    return input
  }

  /// Heads of many channels are read four floats at a time.
  private func aligned(_ tensor: Tensor) -> Tensor {
    guard !tensor.isAligned else { return tensor }
    let own = empty(tensor.shape)
    copy(tensor, to: own)
    return own
  }

  /// The previous inputs and the next are those of one tensor.
  private func convolve(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], head: Int, epsilon: Float,
    into ys: [Tensor], previous: Tensor?, next: Tensor?
  ) {
    let (batch, length) = (inputs[0].x.shape[0], inputs[0].x.shape[1])
    var threads = ConvolutionThreads(inputs, head: head, inputs.map(\.x) + ys)
    threads.isSegment = previous != nil || next != nil
    let share = threads.share(
      batch * length, among: device.multiprocessors * (threads.width > 4 ? 2 : 3), most: 16)
    launch(
      threads.program(function), "short_convolution",
      grid: threads.grid(batch * length, share: share),
      block: ConvolutionThreads.blockSize,
      arguments: tensors(inputs) + four(ys, or: Tensor?.none)
        + [batch, length, Int32(share), threads.unit(inputs), epsilon, previous, next])
  }

  private func convolveBackward(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], head: Int, epsilon: Float,
    previous: Tensor?, _ gradients: [ConvolutionGradients]
  ) {
    let (batch, length) = (inputs[0].x.shape[0], inputs[0].x.shape[1])
    var threads = ConvolutionThreads(
      inputs, head: head, inputs.map(\.x) + gradients.flatMap { [$0.dy, $0.dx] })
    threads.isSegment = previous != nil
    threads.adds = gradients.contains(where: \.accumulates)
    let share = threads.share(
      batch * length, among: device.multiprocessors * (threads.width > 4 ? 1 : 2))
    let grid = threads.grid(batch * length, share: share)
    let sums = gradients.flatMap { gradient in
      [gradient.dweight, gradient.dbias].compactMap { $0 }.map { PartSum(to: $0, accumulate: true) }
    }
    let partial = sums.isEmpty ? nil : empty([grid.x, sums.total])
    let wanted = { (path: KeyPath<ConvolutionGradients, Tensor?>) in
      gradients.indices.reduce(Int32(0)) {
        $0 | (gradients[$1][keyPath: path] == nil ? 0 : 1 << $1)
      }
    }
    launch(
      threads.program(function), "short_convolution_backward",
      grid: grid, block: ConvolutionThreads.blockSize,
      arguments: tensors(inputs) + four(gradients.map(\.dy), or: Tensor?.none)
        + four(gradients.map(\.dx), or: Tensor?.none)
        + [
          batch, length, Int32(share), threads.unit(inputs), epsilon, previous,
          wanted(\.dweight), wanted(\.dbias),
          gradients.indices.reduce(Int32(0)) { $0 | (gradients[$1].accumulates ? 1 << $1 : 0) },
          partial, sums.total,
        ])
    if let partial, grid.x > 0 { addParts(partial, splits: grid.x, to: sums) }
  }

  /// Where the inputs begin, their filters and their channels.
  private func tensors(_ inputs: [ConvolvedTensor]) -> [any KernelArgument] {
    four(inputs.map(\.x), or: Tensor?.none) + four(inputs.map(\.weight), or: Tensor?.none)
      + four(inputs.map(\.bias), or: Tensor?.none) + four(inputs.map(\.x.columns), or: 0)
  }

  private func four<Value: KernelArgument>(
    _ list: [Value], or last: any KernelArgument
  ) -> [any KernelArgument] {
    padded(list, to: ConvolutionThreads.most, with: last)
  }
}

/// How threads share the channels and positions of several convolutions, in the terms of
/// `convolution.cu`.
private struct ConvolutionThreads {
  static let blockSize = RowThreads.blockSize
  /// Tensors that a kernel takes at once.
  static let most = 4

  let width: Int
  /// Whether there may be inputs before the first, or inputs to carry on.
  var isSegment = false
  /// Whether gradients of inputs may be added to.
  var adds = false
  private let hasBias: Bool
  private let vector: Int
  private let lanes: Int
  private let headLanes: Int
  /// Blocks beside each other that have the channels of all tensors.
  private let tiles: Int
  /// Positions that a block has at a time.
  private var slots: Int { Self.blockSize / lanes }

  /// - Parameters:
  ///   - inputs: What is convolved.
  ///   - head: The channels of a head of length 1; of no meaning where no input has such.
  ///   - tensors: Those that are read or written several floats at once.
  init(_ inputs: [ConvolvedTensor], head: Int, _ tensors: [Tensor]) {
    width = inputs[0].weight.shape[0]
    hasBias = inputs.contains { $0.bias != nil }
    let hasUnits = inputs.contains(where: \.isUnit)
    let channels = inputs.map(\.x.columns)
    vector =
      tensors.allSatisfy(\.isAligned)
      ? Self.vector(ofHead: hasUnits ? head : 0, channels: channels) : 1
    let vector = vector
    headLanes = hasUnits ? head / vector : 0
    // Narrow tensors would leave threads of wide tiles without work.
    let narrow = channels.map { min(32, powerOfTwo(atLeast: $0 / vector)) }.min() ?? 1
    lanes = max(headLanes, narrow)
    let tile = lanes * vector
    tiles = channels.reduce(0) { $0 + quotient($1, roundedUpBy: tile) }
  }

  /// Channels of a thread.
  private static func vector(ofHead dim: Int, channels: [Int]) -> Int {
    (channels + [dim]).allSatisfy { $0 % 4 == 0 } ? 4 : 1
  }

  /// The threads of a head, of a warp's; nil where it cannot be divided among them.
  static func lanes(ofHead dim: Int, channels: [Int]) -> Int? {
    let lanes = dim / vector(ofHead: dim, channels: channels)
    return lanes <= 32 && lanes.nonzeroBitCount == 1 ? lanes : nil
  }

  /// Positions of a thread: as many for each where that many blocks run at a time, so that all end
  /// together, or several times as many blocks, so that it is `most` at most; at least 4, for those in
  /// reach before them are read twice.
  func share(_ rows: Int, among blocks: Int, most: Int? = nil) -> Int {
    precondition(rows < Int(Int32.max), "positions are counted in 32 bits")
    let slots = slots * max(1, blocks / tiles)
    let once = quotient(rows, roundedUpBy: slots)
    let times = most.map { max(1, quotient(once, roundedUpBy: $0)) } ?? 1
    return max(4, quotient(rows, roundedUpBy: slots * times))
  }

  func grid(_ rows: Int, share: Int) -> LaunchGrid {
    LaunchGrid(quotient(rows, roundedUpBy: slots * share), tiles)
  }

  func program(_ function: Elementwise) -> KernelProgram {
    KernelProgram(
      "convolution",
      [
        "WIDTH": width, "FUNCTION": Int(function.rawValue), "VECTOR": vector, "LANES": lanes,
        "HEAD": headLanes, "BIAS": hasBias ? 1 : 0, "ADDS": adds ? 1 : 0,
        "SEGMENT": isSegment ? 1 : 0,
      ])
  }

  /// A bit for each input with heads of length 1.
  func unit(_ inputs: [ConvolvedTensor]) -> Int32 {
    inputs.indices.reduce(0) { $0 | (inputs[$1].isUnit ? 1 << $1 : 0) }
  }
}
