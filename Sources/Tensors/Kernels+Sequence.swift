/// Causal softmax attention; see `hk_attention` in `CKernels.h` for the shapes.
package struct AttentionShape {
  package var batch: Int
  package var queries: Int
  package var keys: Int
  package var heads: Int
  package var keyHeads: Int
  package var dim: Int
  package var valueDim: Int
  /// The position of the first query among the keys.
  package var offset = 0
  /// Keys that a query sees, itself included; 0 for all.
  package var window = 0
  package var scale: Float

  package init(
    batch: Int, queries: Int, keys: Int, heads: Int, keyHeads: Int, dim: Int, valueDim: Int,
    offset: Int, window: Int, scale: Float
  ) {
    self.batch = batch
    self.queries = queries
    self.keys = keys
    self.heads = heads
    self.keyHeads = keyHeads
    self.dim = dim
    self.valueDim = valueDim
    self.offset = offset
    self.window = window
    self.scale = scale
  }
}

package protocol AttentionKernels {
  /// Attends. `slopes` is [heads] (ALiBi) or nil; `logSum`, [batch, heads, queries], becomes the log
  /// of each row's sum of exponentials.
  func attention(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, into o: Tensor,
    logSum: Tensor)
  func attentionBackward(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, o: Tensor,
    logSum: Tensor, dO: Tensor, dq: Tensor, dk: Tensor, dv: Tensor)
}

/// A matrix-state scan; see `hk_scan` in `CKernels.h` for the recurrence and the shapes.
package struct ScanShape {
  package enum Decay: Int32, Sendable { case none, perHead, scalar, vector }
  package enum Update: Int32, Sendable { case add, delta, rankOne }

  package var batch: Int
  package var length: Int
  package var heads: Int
  package var keyHeads: Int
  package var keyDim: Int
  package var valueDim: Int
  package var decay: Decay
  package var update: Update
  /// Read before the write, with a bonus for the present token.
  package var exclusive: Bool
  package var scale: Float
  /// Where not 0, steps of the delta rule come as logits: they are this times the logits' sigmoid.
  package var logits = 0

  package init(
    batch: Int, length: Int, heads: Int, keyHeads: Int, keyDim: Int, valueDim: Int, decay: Decay,
    update: Update, exclusive: Bool, scale: Float
  ) {
    self.batch = batch
    self.length = length
    self.heads = heads
    self.keyHeads = keyHeads
    self.keyDim = keyDim
    self.valueDim = valueDim
    self.decay = decay
    self.update = update
    self.exclusive = exclusive
    self.scale = scale
  }
}

/// The inputs of a matrix-state scan, or the gradients with respect to them.
package struct ScanTensors<Element> {
  package var q: Element
  package var k: Element
  package var v: Element
  package var decay: Element
  package var beta: Element
  package var a: Element
  package var b: Element
  package var bonus: Element
  package var initial: Element

  package init(
    q: Element, k: Element, v: Element, decay: Element, beta: Element, a: Element, b: Element,
    bonus: Element, initial: Element
  ) {
    self.q = q
    self.k = k
    self.v = v
    self.decay = decay
    self.beta = beta
    self.a = a
    self.b = b
    self.bonus = bonus
    self.initial = initial
  }
}

package protocol ScanKernels {
  /// Whether the scan of the shape also takes logits of the delta rule's steps.
  func takesLogits(_ shape: ScanShape) -> Bool
  /// Floats that the forward pass leaves for the backward pass.
  func scanCheckpointCount(_ shape: ScanShape) -> Int
  func scan(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, into o: Tensor, final: Tensor?,
    checkpoints: Tensor?)
  func scanBackward(
    _ shape: ScanShape, _ inputs: ScanTensors<Tensor?>, checkpoints: Tensor, dO: Tensor,
    dFinal: Tensor?, into gradients: ScanTensors<Tensor?>)
}

extension ScanKernels {
  package func takesLogits(_ shape: ScanShape) -> Bool { false }
}

/// Recurrent cells; see `hk_cell` in `CKernels.h` for the shapes.
package struct CellShape {
  package enum Kind: Int32, Sendable, CaseIterable {
    case elman, gru, lstm, slstm
    package var gates: Int { self == .elman ? 1 : self == .gru ? 3 : 4 }
    /// What is carried beside h, in numbers for each of h: the LSTM's c; the sLSTM's c, n and m.
    package var memories: Int { self == .slstm ? 3 : self == .lstm ? 1 : 0 }
  }

  package var kind: Kind
  package var batch: Int
  package var length: Int
  package var heads: Int
  package var dim: Int

  package init(kind: Kind, batch: Int, length: Int, heads: Int, dim: Int) {
    self.kind = kind
    self.batch = batch
    self.length = length
    self.heads = heads
    self.dim = dim
  }
}

package protocol CellKernels {
  /// Floats that the forward pass leaves for the backward pass.
  func cellSavedCount(_ shape: CellShape) -> Int
  func cell(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, into h: Tensor, lastH: Tensor?, lastC: Tensor?, saved: Tensor?)
  func cellBackward(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, h: Tensor, saved: Tensor, dh: Tensor, dLastH: Tensor?, dLastC: Tensor?,
    dx: Tensor, dRecurrent: Tensor?, dRecurrentBias: Tensor?, dh0: Tensor?, dc0: Tensor?)
}

package protocol ConvolutionKernels {
  /// y[t] = f(sum_j w[j] x[t-j] + bias), per channel.
  ///
  /// x is [batch, length, channels], the weight [width, channels]. `previous`, [batch, width - 1,
  /// channels], holds the inputs before the first (nil: zeros), `next` becomes those up to the last,
  /// for the segment that follows.
  func shortConvolution(
    _ function: Elementwise, _ x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    into y: Tensor, next: Tensor?)
  func shortConvolutionBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    dy: Tensor, dx: Tensor, dweight: Tensor?, dbias: Tensor?)
}
