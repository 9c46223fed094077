/// Heads of a linear memory with a direct path beside them and a gate over both.
package struct GatedHeads {
  package var function: Elementwise
  /// What is normalised, [tokens, heads, dim], after it was multiplied by the factors.
  package var x: Tensor
  /// What each head of a token is multiplied by, [tokens, heads].
  package var factors: Tensor
  /// Of the norm, [heads x dim].
  package var weight: Tensor
  /// [tokens, heads x dim], with its weights, [heads x dim].
  package var direct: Tensor
  package var skip: Tensor
  /// The argument of the function, [tokens, heads x dim].
  package var gate: Tensor

  package init(
    function: Elementwise, x: Tensor, factors: Tensor, weight: Tensor, direct: Tensor,
    skip: Tensor, gate: Tensor
  ) {
    self.function = function
    self.x = x
    self.factors = factors
    self.weight = weight
    self.direct = direct
    self.skip = skip
    self.gate = gate
  }
}

/// A gradient, and whether it is added to what is there.
package struct GradientTarget {
  package var tensor: Tensor
  package var accumulate: Bool

  package init(tensor: Tensor, accumulate: Bool) {
    self.tensor = tensor
    self.accumulate = accumulate
  }
}

/// Where the gradients of gated heads go; those of parameters are added to.
package struct GatedHeadsGradients {
  package var x: GradientTarget
  package var factors: GradientTarget
  package var direct: GradientTarget
  package var gate: GradientTarget
  package var weight: Tensor
  package var skip: Tensor

  package init(
    x: GradientTarget, factors: GradientTarget, direct: GradientTarget, gate: GradientTarget,
    weight: Tensor, skip: Tensor
  ) {
    self.x = x
    self.factors = factors
    self.direct = direct
    self.gate = gate
    self.weight = weight
    self.skip = skip
  }
}

/// One of several short convolutions that go side by side.
package struct ConvolvedTensor {
  /// What is convolved, [batch, length, channels].
  package var x: Tensor
  /// The filter, [taps, channels].
  package var weight: Tensor
  /// [channels], or nil for none.
  package var bias: Tensor?
  /// Whether the result's heads become vectors of length 1.
  package var isUnit: Bool

  package init(x: Tensor, weight: Tensor, bias: Tensor?, isUnit: Bool = false) {
    self.x = x
    self.weight = weight
    self.bias = bias
    self.isUnit = isUnit
  }
}

/// The gradient of one such result, and where those of its inputs go: dx is overwritten unless
/// `accumulates` says otherwise, those of parameters are added to, nil where nobody wants them.
package struct ConvolutionGradients {
  package var dy: Tensor
  package var dx: Tensor
  package var accumulates = false
  package var dweight: Tensor?
  package var dbias: Tensor?

  package init(dy: Tensor, dx: Tensor, dweight: Tensor?, dbias: Tensor?) {
    self.dy = dy
    self.dx = dx
    self.dweight = dweight
    self.dbias = dbias
  }
}

/// A gated short convolution: y = (sum_j w[j] x[t-j] + bias) (gate + gateBias) + x.
package struct GatedConvolution {
  /// [batch, length, channels], as the gate.
  package var x: Tensor
  package var gate: Tensor
  /// The filter, [taps, channels].
  package var weight: Tensor
  /// [channels], as the gate's.
  package var bias: Tensor
  package var gateBias: Tensor

  package init(x: Tensor, gate: Tensor, weight: Tensor, bias: Tensor, gateBias: Tensor) {
    self.x = x
    self.gate = gate
    self.weight = weight
    self.bias = bias
    self.gateBias = gateBias
  }
}

/// Where the gradients of a gated short convolution go; those of parameters are added to, that of
/// the gate is overwritten.
package struct GatedConvolutionGradients {
  package var x: GradientTarget
  package var gate: Tensor
  package var weight: Tensor
  package var bias: Tensor
  package var gateBias: Tensor

  package init(
    x: GradientTarget, gate: Tensor, weight: Tensor, bias: Tensor, gateBias: Tensor
  ) {
    self.x = x
    self.gate = gate
    self.weight = weight
    self.bias = bias
    self.gateBias = gateBias
  }
}

/// A linear map of rows, x W + bias.
package struct MappedRows {
  package let x: Tensor
  /// The matrix [inputs, columns].
  package let weight: Tensor
  /// [columns], or nil.
  package let bias: Tensor?

  package init(_ x: Tensor, weight: Tensor, bias: Tensor?) {
    self.x = x
    self.weight = weight
    self.bias = bias
  }

  package var inputs: Int { weight.shape[0] }
  package var columns: Int { weight.shape[1] }
  package var rows: Int { x.count / inputs }
}

/// The norm of a sum that a kernel makes beside the sum.
package struct SumNorm {
  /// [columns], or nil for none.
  package let weight: Tensor?
  package let bias: Tensor?
  package let epsilon: Float
  /// The result; overwritten, like the others.
  package let y: Tensor
  /// [rows]; nil for a root-mean-square norm.
  package let mean: Tensor?
  /// One for each row, like the mean.
  package let scale: Tensor

  package init(
    weight: Tensor?, bias: Tensor?, epsilon: Float, y: Tensor, mean: Tensor?, scale: Tensor
  ) {
    self.weight = weight
    self.bias = bias
    self.epsilon = epsilon
    self.y = y
    self.mean = mean
    self.scale = scale
  }
}

/// A norm over the last axis, y = (x - mean) scale weight + bias; without a mean, of x alone.
package struct NormedRows {
  package let x: Tensor
  package let weight: Tensor?
  /// [rows]; nil for a root-mean-square norm.
  package let mean: Tensor?
  /// One for each row, like the mean.
  package let scale: Tensor
  /// What it makes of them, y.
  package let result: Tensor
  package var bias: Tensor?

  package init(_ x: Tensor, weight: Tensor?, mean: Tensor?, scale: Tensor, result: Tensor) {
    self.x = x
    self.weight = weight
    self.mean = mean
    self.scale = scale
    self.result = result
  }
}

/// Chains of operations that a device may have one kernel for, so that what lies between them never
/// comes to memory.
///
/// A device that has none goes through the operations one after the other, as the processor does,
/// whose caches hold what lies between.
package protocol FusedKernels {
  /// y = x (mean of x^2 + epsilon)^(-1/2) weight f(gate), over the last axis of x.
  ///
  /// - Parameters:
  ///   - function: f
  ///   - x: The rows.
  ///   - weight: [columns], or nil for none.
  ///   - gate: As many elements as x.
  ///   - epsilon: Keeps rows of zeros finite.
  ///   - y: Overwritten.
  ///   - scale: [rows], the root's inverse; the backward pass takes it.
  func gatedNorm(
    _ function: Elementwise, _ x: Tensor, weight: Tensor?, gate: Tensor, epsilon: Float,
    into y: Tensor, scale: Tensor)
  /// The gradients of all three; those of x and the gate are written or added to, that of the weight
  /// is added to.
  func gatedNormBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor?, scale: Tensor, gate: Tensor, dy: Tensor,
    dx: Tensor, accumulateX: Bool, dgate: Tensor, accumulateGate: Bool, dweight: Tensor?)

  /// Whether there are kernels for heads of these sizes.
  func fusesHeads(_ heads: Int, dim: Int) -> Bool
  /// y = (layerNorm(x factors) weight + direct skip) f(gate), the norm over each head.
  ///
  /// - Parameters:
  ///   - inputs: What goes in.
  ///   - epsilon: Keeps constant rows finite.
  ///   - y: [tokens, heads x dim], overwritten.
  ///   - mean: [tokens x heads], for the backward pass.
  ///   - scale: The same.
  func gatedHeads(
    _ inputs: GatedHeads, epsilon: Float, into y: Tensor, mean: Tensor, scale: Tensor)
  func gatedHeadsBackward(
    _ inputs: GatedHeads, mean: Tensor, scale: Tensor, dy: Tensor,
    into gradients: GatedHeadsGradients)

  /// y = layerNorm(x) weight, the norm over each head and a weight for each channel of all heads;
  /// for the same heads.
  func weightedHeads(
    _ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor, mean: Tensor, scale: Tensor)
  /// The weight's gradient is added to.
  func weightedHeadsBackward(
    _ x: Tensor, weight: Tensor, mean: Tensor, scale: Tensor, dy: Tensor, dx: GradientTarget,
    dweight: Tensor)

  /// Whether there are kernels for gated sums of rows of so many columns.
  func fusesGatedSums(columns: Int) -> Bool
  /// y = rmsNorm((x + direct skip) f(gate)) weight; `scale`, [rows], is for the backward pass.
  func gatedSum(_ inputs: GatedSum, epsilon: Float, into y: Tensor, scale: Tensor)
  func gatedSumBackward(
    _ inputs: GatedSum, scale: Tensor, dy: Tensor, into gradients: GatedSumGradients)

  /// Whether there are kernels for products of so many terms with so many columns.
  func fusesLowRankSoftplus(rows: Int, rank: Int, columns: Int) -> Bool
  /// y = softplus(x W + bias)
  func lowRankSoftplus(_ x: Tensor, weight: Tensor, bias: Tensor, into y: Tensor)
  /// The gradients of the weight and the bias are added to.
  func lowRankSoftplusBackward(
    _ x: Tensor, weight: Tensor, y: Tensor, dy: Tensor, dx: GradientTarget, dweight: Tensor,
    dbias: Tensor)

  /// Whether there are kernels for powers of sigmoids of products of so many terms.
  func fusesLowRankPower(rows: Int, rank: Int, columns: Int) -> Bool
  func lowRankPower(_ layer: LowRankPower, into y: Tensor)
  /// The gradients of the weight and the bias are added to.
  func lowRankPowerBackward(
    _ layer: LowRankPower, y: Tensor, dy: Tensor, dx: GradientTarget, dweight: Tensor,
    dbias: Tensor)

  /// Whether there are kernels for maps of so many heads of these sizes.
  func fusesHeadMaps(rows: Int, heads: Int, dim: Int) -> Bool
  /// y = [x W0, x W1, z W2, z W3] + bias, side by side in rows.
  func headMaps(_ inputs: HeadMaps, into y: Tensor)
  func headMapsBackward(_ inputs: HeadMaps, dy: Tensor, into gradients: HeadMapsGradients)
  /// Whether `headMapsBackward` takes the cell behind such maps.
  func fusesMappedCell(heads: Int) -> Bool

  /// Whether there are kernels for maps with blocks of this shape and so many gates.
  func fusesGatedBlocks(rows: Int, blocks: [Int], gates: Int) -> Bool
  /// q and k are block-diagonal maps of x and v is one of z; gates = q wq + k wk + v wv + bias.
  func gatedBlocks(_ inputs: GatedBlocks, into outputs: GatedBlockOutputs)
  /// `outputs` holds the gradients with respect to them.
  func gatedBlocksBackward(
    _ inputs: GatedBlocks, _ outputs: GatedBlockOutputs, into gradients: GatedBlocksGradients)

  /// Whether there are kernels for convolutions of these channels, with heads of length 1 and of so
  /// many channels.
  func fusesConvolutions(unitHeads dim: Int, channels: [Int]) -> Bool
  /// y = f(sum_j w[j] x[t-j] + bias) for several x of the same batch, length and taps; where `isUnit`
  /// says so, each head of y times (its sum of squares + epsilon)^(-1/2).
  func shortConvolutions(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], unitHeads dim: Int, epsilon: Float,
    into ys: [Tensor])
  func shortConvolutionsBackward(
    _ function: Elementwise, _ inputs: [ConvolvedTensor], unitHeads dim: Int, epsilon: Float,
    _ gradients: [ConvolutionGradients])

  /// sum = x + other and y = the norm of the sum, as `RowKernels` has it.
  func rmsNorm(
    ofSum x: Tensor, _ other: Tensor, weight: Tensor?, epsilon: Float, sum: Tensor, into y: Tensor,
    scale: Tensor)
  func layerNorm(
    ofSum x: Tensor, _ other: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float, sum: Tensor,
    into y: Tensor, mean: Tensor, scale: Tensor)

  /// Whether there is a kernel for the sum of a linear map's result and rows of a stream.
  func fusesSum(of map: MappedRows) -> Bool
  /// sum = x W + bias + stream, and the norm of the sum where there is one.
  func add(_ map: MappedRows, to stream: Tensor, into sum: Tensor, norm: SumNorm?)

  /// `rows` = rows of a table and y = their norm, as `RowKernels` has it.
  func rmsNorm(
    gathering source: GatheredRows, weight: Tensor?, epsilon: Float, rows: Tensor, into y: Tensor,
    scale: Tensor)
  func layerNorm(
    gathering source: GatheredRows, weight: Tensor?, bias: Tensor?, epsilon: Float, rows: Tensor,
    into y: Tensor, mean: Tensor, scale: Tensor)
  /// dtable[index[r],:] += dy[r,:], as `RowKernels` has it, and positions[r % positions.rows,:] +=
  /// dy[r,:].
  func scatterAddRows(
    _ dy: Tensor, at index: IndexTensor, to dtable: Tensor, positions: Tensor?)

  func gatedConvolution(_ inputs: GatedConvolution, into y: Tensor)
  func gatedConvolutionBackward(
    _ inputs: GatedConvolution, dy: Tensor, into gradients: GatedConvolutionGradients)

  /// Whether there is a kernel for the way back through linear maps and the norm of rows before them.
  ///
  /// - Parameters:
  ///   - rows: What the norm is of, [rows, columns].
  ///   - maps: The maps of its result.
  /// - Returns: Whether `normGradients` takes them.
  func fusesNorm(of rows: Tensor, before maps: [LinearGradients]) -> Bool
  /// Whether `normGradients` makes the gradients of the maps' weights in the same pass; for maps and rows
  /// that it takes.
  func fusesWeights(of rows: Tensor, before maps: [LinearGradients]) -> Bool
  /// dx (+)= what a norm makes of its result's gradient, the sum of dy i (weights i)' over the maps;
  /// the gradients of the norm's weight and bias are added to, and those of the maps' weights made where
  /// they are wanted.
  func normGradients(
    _ norm: NormedRows, before maps: [LinearGradients], dx: GradientTarget, dweight: Tensor?,
    dbias: Tensor?)

  /// Whether there are kernels for a layer of these sizes.
  func fuses(_ layer: MLP) -> Bool
  /// y = gelu(x up + upBias) down + downBias; the hidden numbers are not kept.
  ///
  /// - Parameters:
  ///   - layer: What goes in.
  ///   - y: Overwritten.
  /// - Returns: The weights in the form that the kernels take, for the backward pass.
  func mlp(_ layer: MLP, into y: Tensor) -> Tensor
  /// Whether the way back of a layer with a norm and an input that is added goes through both.
  func joinsNorm(_ layer: MLP) -> Bool
  /// The gradients; that of x is the one behind the norm, and without the path around the layer, unless
  /// there is a place for that of the norm's weight.
  func mlpBackward(_ layer: MLP, weights: Tensor, dy: Tensor, into gradients: MLPGradients)

  /// y[r,:] = x[index[r],:] + other[index[r],:]; zeros where the index is -1
  func gatherRows(ofSum x: Tensor, _ other: Tensor, at index: IndexTensor, into y: Tensor)

  /// `keys` = inputs.k strength, a strength for each row, and the normaliser of these keys.
  func weighedNormaliser(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, strength: Tensor, into factor: Tensor,
    keys: Tensor, final: Tensor?, states: Tensor?)
  func weighedNormaliserBackward(
    _ shape: NormaliserShape, _ inputs: NormaliserInputs, strength: Tensor, states: Tensor,
    dFactor: Tensor, dKeys: Tensor, into gradients: WeighedNormaliserGradients)

  /// y = alpha f(x)
  func apply(_ function: Elementwise, _ x: Tensor, scaledBy alpha: Float, into y: Tensor)
  /// dx (+)= alpha f'(x) dy
  func applyBackward(
    _ function: Elementwise, x: Tensor, scaledBy alpha: Float, dy: Tensor, dx: Tensor,
    accumulate: Bool)

  /// total += scale times the sum of x; both are single numbers on the device.
  func addSum(of x: Tensor, scaledBy scale: Tensor, to total: Tensor)

  /// y = sigmoid(x)^exponent
  func sigmoidPower(_ x: Tensor, exponent: Float, into y: Tensor)
  /// dx (+)= exponent y sigmoid(-x) dy
  func sigmoidPowerBackward(
    x: Tensor, y: Tensor, exponent: Float, dy: Tensor, dx: Tensor, accumulate: Bool)
}
