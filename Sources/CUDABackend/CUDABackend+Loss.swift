package import Tensors

extension CUDABackend: LossKernels {
  package func linearCrossEntropy(
    hidden: Tensor, weight: Tensor, bias: Tensor?, target: IndexTensor, scale: Tensor,
    loss: Tensor, best: IndexTensor, dhidden: Tensor?, dweight: Tensor?, dbias: Tensor?
  ) {
    let wantsGradient = dhidden != nil || dweight != nil || dbias != nil
    let call = LossCall(
      hidden: hidden.reshaped([hidden.rows, hidden.columns]), weight: weight, bias: bias,
      target: target, scale: wantsGradient ? scale : nil, loss: loss, best: best,
      dhidden: dhidden?.reshaped([hidden.rows, hidden.columns]), dweight: dweight, dbias: dbias)
    if let head = SmallHead(call, on: device) {
      fusedLoss(call, head)
    } else if let head = StreamedHead(call, on: device) {
      streamedLoss(call, head)
    } else {
      stripLoss(call)
    }
  }

  /// Logits, losses and gradients in one kernel, and another for the sums over its blocks.
  private func fusedLoss(_ call: LossCall, _ head: SmallHead) {
    let sums = (call.dweight?.count ?? 0) + (call.dbias?.count ?? 0)
    let partial = sums > 0 ? empty([head.blocks, sums]) : nil
    announce((sums > 0 ? 6 : 2) * Double(call.rows * call.vocabulary * call.width))
    launch(
      head.program, "head_loss", grid: LaunchGrid(head.blocks), block: SmallHead.threads,
      shared: head.shared, call.rows, call.vocabulary, call.width, call.hidden, call.weight,
      call.bias, call.target, call.scale, call.loss, call.best, call.dhidden, call.dweight != nil,
      call.dbias != nil, partial)
    if let partial, call.rows > 0 {
      addPartials(partial, strips: head.blocks, to: call.dweight, and: call.dbias)
    }
  }

  /// Strips of rows, as few as memory allows: products of many rows are the faster ones, also where
  /// smaller logits would stay in the last cache.
  private func stripLoss(_ call: LossCall) {
    guard call.rows > 0 else { return }
    let most = max(128, Self.logitsAtOnce / call.vocabulary)
    let strips = quotient(call.rows, roundedUpBy: most)
    let strip = min(call.rows, (quotient(call.rows, roundedUpBy: strips) + 63) / 64 * 64)
    let logits = empty([strip, call.vocabulary])
    for start in stride(from: 0, to: call.rows, by: strip) {
      let part = call.rows(from: start, count: min(strip, call.rows - start))
      stripLoss(part, logits: logits.prefixRows(0, part.rows))
    }
  }

  /// Floats of a strip's logits: 256 MiB.
  private static let logitsAtOnce = 64 << 20

  private func stripLoss(_ call: LossCall, logits: Tensor) {
    let (rows, vocabulary, width) = (call.rows, call.vocabulary, call.width)
    multiply(
      MatrixProduct(m: rows, n: vocabulary, k: width, transposeB: true), call.hidden, call.weight,
      bias: nil, into: logits)
    softmaxLoss(call, logits: logits)
    if let dhidden = call.dhidden {
      multiply(
        MatrixProduct(m: rows, n: width, k: vocabulary), logits, call.weight, bias: nil,
        into: dhidden)
    }
    if let dweight = call.dweight {
      multiply(
        MatrixProduct(m: vocabulary, n: width, k: rows, transposeA: true, beta: 1), logits,
        call.hidden, bias: nil, into: dweight)
    }
    if let dbias = call.dbias { sumRows(logits, addedTo: dbias) }
  }

  /// Losses and arg-maxima of logits, which become their gradients where those are wanted.
  private func softmaxLoss(_ call: LossCall, logits: Tensor) {
    let columns = call.vocabulary
    let vector = columns % 4 == 0 && logits.isAligned ? 4 : 1
    let team = columns <= 1024 ? 32 : columns <= 8192 ? 256 : columns <= 16384 ? 512 : 1024
    let packs = quotient(columns, roundedUpBy: team * vector)
    let held = packs * vector <= 32
    let block = max(team, 128)
    launch(
      KernelProgram("loss", ["VECTOR": vector, "TEAM": team, "PACKS": held ? packs : 0]),
      "cross_entropy", grid: LaunchGrid(quotient(call.rows, roundedUpBy: block / team)),
      block: block, call.rows, columns, logits, call.bias, call.target, call.firstRow, call.scale,
      call.loss,
      call.best)
  }
}

/// The tensors of a cross-entropy, or of some of its rows.
struct LossCall {
  var hidden: Tensor
  var weight: Tensor
  var bias: Tensor?
  /// Of all rows, as `best`: indices cannot be cut into parts.
  var target: IndexTensor
  /// nil where no gradient is wanted.
  var scale: Tensor?
  var loss: Tensor
  var best: IndexTensor
  var dhidden: Tensor?
  var dweight: Tensor?
  var dbias: Tensor?
  /// The first row among those of `target`, `loss` and `best`.
  var firstRow = 0

  var rows: Int { hidden.rows }
  var vocabulary: Int { weight.rows }
  var width: Int { weight.columns }

  func rows(from start: Int, count: Int) -> LossCall {
    var part = self
    part.hidden = hidden.prefixRows(start, count)
    part.dhidden = dhidden?.prefixRows(start, count)
    part.firstRow = start
    return part
  }
}

/// How a head runs whose weight and gradient fit into one block's shared memory and registers.
private struct SmallHead {
  static let threads = 256
  let program: KernelProgram
  let blocks: Int
  let shared: Int

  /// nil for heads that are too large.
  init?(_ call: LossCall, on device: CUDADevice) {
    let multiprocessors = device.multiprocessors
    let vocabulary = (call.vocabulary + 15) / 16 * 16
    let width = (call.width + 15) / 16 * 16
    // A thread keeps 64 sums of the weight's gradient.
    guard vocabulary * width <= 16384, vocabulary <= 256, width <= 256 else { return nil }
    var rows = call.rows > 64 * multiprocessors ? 64 : call.rows > 16 * multiprocessors ? 32 : 16
    // Two blocks on a multiprocessor hide each other's loads.
    if Self.sharedBytes(rows, vocabulary, width) > 100 << 10 { rows = min(rows, 32) }
    shared = Self.sharedBytes(rows, vocabulary, width)
    guard shared <= device.sharedBytesPerBlock else { return nil }
    let resident = max(1, min(4, (200 << 10) / shared))
    blocks = min(quotient(call.rows, roundedUpBy: rows), multiprocessors * resident)
    let vector = call.width % 4 == 0 && call.hidden.isAligned ? 4 : 1
    program = KernelProgram(
      "head", ["ROWS": rows, "VOCABULARY": vocabulary, "WIDTH": width, "VECTOR": vector])
  }

  /// The weight, the rows of the hidden layer, the bias, and the logits, whose memory takes the
  /// sums of each team of threads in the end.
  private static func sharedBytes(_ rows: Int, _ vocabulary: Int, _ width: Int) -> Int {
    let team = vocabulary <= 32 ? 8 : vocabulary <= 64 ? 16 : 32
    let logits = max(rows * (vocabulary + 4), threads / team * vocabulary)
    return 4 * ((vocabulary + rows) * (width + 4) + vocabulary + logits)
  }
}
