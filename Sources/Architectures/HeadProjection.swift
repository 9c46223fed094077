public import Autograd
public import Configuration
public import Layers
public import Tensors

/// The settings that most mixers with heads share.
public enum MixerSetting {
  public static func heads(_ count: Int) -> Setting {
    Setting("heads", .integer(1...1024), default: .integer(count), "number of heads H")
  }
  /// A causal convolution over time before the mixer sees its inputs; 0 for none.
  ///
  /// - Parameters:
  ///   - width: The default.
  ///   - keepsSiLU: Whether the inputs go through SiLU without a convolution too.
  /// - Returns: The setting.
  public static func convolution(_ width: Int, keepsSiLU: Bool = false) -> Setting {
    let none = keepsSiLU ? "0 for SiLU alone" : "0 for none"
    return Setting(
      "convolution", .integer(0...8), default: .integer(width),
      "taps of the short causal convolution on the projections (SiLU after it); \(none)")
  }
  public static let eigenvalues = Setting(
    "eigenvalues", .choice(["unit", "signed"]), default: .text("unit"),
    "range of the transition's eigenvalues: unit [0, 1] or signed [-1, 1] (arXiv 2411.12537)")
}

/// A projection into heads, with an optional short convolution over time.
///
/// It is what queries, keys and values of most mixers go through.
public struct HeadProjection {
  private let linear: Linear
  private let taps: Parameter?
  private let bias: Parameter?
  private let name: String
  fileprivate let heads: Int
  fileprivate let dim: Int
  fileprivate let activation: Elementwise

  /// Makes a projection.
  ///
  /// - Parameters:
  ///   - context: The model around it.
  ///   - name: Unique within the mixer: "query".
  ///   - heads: Number of heads.
  ///   - dim: Width of a head.
  ///   - convolution: Taps of the short convolution; 0 for none.
  ///   - convolutionBias: Whether the convolution has a bias (the Mamba family's does).
  ///   - activation: Applied after the convolution, or to the projection where there is none.
  ///   - initial: The law of the projection's weight; the context's where it is nil.
  public init(
    _ context: MixerContext, _ name: String, heads: Int, dim: Int, convolution: Int = 0,
    convolutionBias: Bool = false, activation: Elementwise = .identity,
    initial: Initialiser? = nil
  ) {
    let parameters = context.parameters.scoped(name)
    self.name = name
    self.heads = heads
    self.dim = dim
    self.activation = activation
    linear = Linear(
      parameters, context.width, heads * dim, initial: initial ?? context.initial)
    guard convolution > 0 else {
      taps = nil
      bias = nil
      return
    }
    // U(+-1/sqrt(taps)) is the customary law of a depthwise convolution of that fan-in, and of its
    // bias: with a bias of 0, Mamba-2's keys and queries hardly overlap at first and it learns
    // recall many times more slowly.
    let bound = 1 / Float(convolution).squareRoot()
    taps = parameters.parameter(
      "convolution", [convolution, heads * dim], .uniform(-bound...bound))
    bias =
      convolutionBias
      ? parameters.parameter(
        "convolutionBias", [heads * dim], .uniform(-bound...bound), decays: false) : nil
  }

  /// Projects a segment.
  ///
  /// - Returns: [batch, length, heads, dim]
  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    finished(linear(x), state: state)
  }

  /// The weight, [width, heads x dim].
  var weight: Variable { linear.weight.variable }

  /// Whether nothing but heads follows the linear map.
  fileprivate var isLinear: Bool { taps == nil && activation == .identity }

  /// What follows the linear map.
  func finished(_ projected: Variable, state: MixerState?) -> Variable {
    let (batch, length) = (projected.shape[0], projected.shape[1])
    var y = projected
    if let taps {
      y = y.shortConvolution(
        taps.variable, bias: bias?.variable, activation: activation,
        name: name, carrying: state)
    } else if activation != .identity {
      y = y.applying(activation)
    }
    return y.reshaped([batch, length, heads, dim])
  }

  /// The convolution that follows the linear map; nil where there is none.
  fileprivate func convolution(of projected: Variable, isUnit: Bool) -> ShortConvolution? {
    taps.map {
      ShortConvolution(
        input: projected, weight: $0.variable, bias: bias?.variable, isUnit: isUnit)
    }
  }

  /// What follows the linear maps of several projections, which are convolved in one pass where the
  /// device can.
  static func finished(
    _ projections: [HeadProjection], _ projected: [Variable], state: MixerState?
  ) -> [Variable] {
    let pairs = zip(projections, projected)
    let convolutions = pairs.compactMap { $0.convolution(of: $1, isUnit: false) }
    let activation = projections[0].activation
    guard state == nil, convolutions.count == projections.count,
      projections.allSatisfy({ $0.activation == activation })
    else { return pairs.map { $0.finished($1, state: state) } }
    let results = Variable.shortConvolutions(convolutions, activation: activation, unitHeads: 1)
    return zip(projections, results).map { part, y in
      y.reshaped([y.shape[0], y.shape[1], part.heads, part.dim])
    }
  }

  /// Floats that the convolution carries per sequence.
  public var stateSize: Int { taps.map { ($0.shape[0] - 1) * $0.shape[1] } ?? 0 }
}

/// Queries, keys and values: three projections of the same inputs, which devices may read once.
public struct HeadProjections {
  private let query: HeadProjection
  private let key: HeadProjection
  private let value: HeadProjection

  public init(query: HeadProjection, key: HeadProjection, value: HeadProjection) {
    self.query = query
    self.key = key
    self.value = value
  }

  /// Projects a segment.
  ///
  /// - Parameters:
  ///   - x: [batch, length, width]
  ///   - state: What the mixer carries; nil in training.
  ///   - unit: Whether each head's queries and keys become vectors of length 1.
  /// - Returns: [batch, length, heads, dim] each, with each projection's heads and dim.
  public func callAsFunction(
    _ x: Variable, state: MixerState?, unit: Bool = false
  ) -> (q: Variable, k: Variable, v: Variable) {
    let projected = x.linears([query.weight, key.weight, value.weight])
    return finished(projected, state: state, unit: unit)
  }

  /// The same, and other linear maps of the inputs with them.
  ///
  /// `first` are those that stand before the projections, `last` those behind them, which is the order
  /// that their gradients are added in, from the last to the first. `gate`, behind them all, is mapped at
  /// the positions that `atWantedRows` leaves.
  ///
  /// - Returns: With the projections, the results of `first`, of `last` and of `gate`.
  func callAsFunction(
    _ x: Variable, state: MixerState?, unit: Bool = false, first: [Linear] = [],
    last: [Linear] = [], gate: Linear? = nil
  ) -> (q: Variable, k: Variable, v: Variable, others: [Variable]) {
    precondition(
      (first + last).allSatisfy { $0.bias == nil } && gate?.bias == nil, "joint maps have no bias")
    let own = [query.weight, key.weight, value.weight]
    let results = x.linears(
      first.map(\.weight.variable) + own + last.map(\.weight.variable),
      atWantedRows: gate?.weight.variable)
    let projected = Array(results[first.count..<first.count + own.count])
    let (q, k, v) = finished(projected, state: state, unit: unit)
    return (q, k, v, Array(results[..<first.count] + results[(first.count + own.count)...]))
  }

  /// The weights where the projections are linear maps and nothing else; nil for others.
  var weightsAlone: [Variable]? {
    let all = [query, key, value]
    return all.allSatisfy(\.isLinear) ? all.map(\.weight) : nil
  }

  /// What follows the linear maps.
  private func finished(
    _ projected: [Variable], state: MixerState?, unit: Bool
  ) -> (q: Variable, k: Variable, v: Variable) {
    if state == nil, let convolved = convolved(projected, unit: unit) {
      return (convolved[0], convolved[1], convolved[2])
    }
    let q = query.finished(projected[0], state: state)
    let k = key.finished(projected[1], state: state)
    let v = value.finished(projected[2], state: state)
    return unit ? (q.l2Norm(), k.l2Norm(), v) : (q, k, v)
  }

  /// The same for whole sequences in one pass where the device can; nil where they are not convolved alike.
  private func convolved(_ projected: [Variable], unit: Bool) -> [Variable]? {
    guard let q = query.convolution(of: projected[0], isUnit: unit),
      let k = key.convolution(of: projected[1], isUnit: unit),
      let v = value.convolution(of: projected[2], isUnit: false), query.dim == key.dim,
      query.activation == key.activation, query.activation == value.activation
    else { return nil }
    let results = Variable.shortConvolutions(
      [q, k, v], activation: query.activation, unitHeads: query.dim)
    return zip([query, key, value], results).map { part, y in
      y.reshaped([y.shape[0], y.shape[1], part.heads, part.dim])
    }
  }

  /// Floats that the convolutions carry per sequence.
  public var stateSize: Int { query.stateSize + key.stateSize + value.stateSize }
}

extension MatrixScan {
  /// Runs the recurrence with a state that is carried under the name "memory".
  ///
  /// - Parameters:
  ///   - q: [batch, length, key heads, key dim]
  ///   - k: [batch, length, key heads, key dim]
  ///   - v: [batch, length, heads, value dim]
  ///   - state: What the mixer carries; nil in training.
  /// - Returns: [batch, length, heads, value dim]
  public func callAsFunction(
    q: Variable, k: Variable, v: Variable, carrying state: MixerState?
  ) -> Variable {
    let (output, final) = self(
      q: q, k: k, v: v, initial: state?["memory"], wantsFinal: state != nil)
    if let final { state?["memory"] = final }
    return output
  }
}

extension Variable {
  /// A short convolution whose last inputs are carried in the state under a name.
  ///
  /// - Parameters:
  ///   - weight: [taps, channels]; row 0 meets the present position.
  ///   - bias: [channels], or nil.
  ///   - activation: Applied to the result.
  ///   - name: Unique within the mixer.
  ///   - state: What the mixer carries; nil in training.
  /// - Returns: The outputs, shaped like this variable.
  public func shortConvolution(
    _ weight: Variable, bias: Variable?, activation: Elementwise, name: String,
    carrying state: MixerState?
  ) -> Variable {
    let slot = name + ".convolution"
    let (y, next) = shortConvolution(
      weight: weight, bias: bias, activation: activation, previous: state?[slot],
      wantsNext: state != nil)
    if let next { state?[slot] = next }
    return y
  }
}

/// The way back from heads to the model's width: a norm per head, an optional gate, a projection.
public struct HeadOutput {
  /// What the heads' outputs are multiplied with.
  public enum Gate: Sendable { case none, swish }

  private let norm: Parameter?
  private let gate: Linear?
  private let output: Linear
  private let normalised: Bool

  /// Makes the output stage.
  ///
  /// - Parameters:
  ///   - context: The model around it.
  ///   - heads: Number of heads.
  ///   - dim: Width of a head's output.
  ///   - normalised: Whether each head's output is RMS-normalised.
  ///   - affine: Whether that norm has a learned scale, shared by the heads.
  ///   - gate: The gate, made from the mixer's input.
  public init(
    _ context: MixerContext, heads: Int, dim: Int, normalised: Bool, affine: Bool = true,
    gate: Gate
  ) {
    let parameters = context.parameters
    self.normalised = normalised
    norm =
      normalised && affine
      ? parameters.parameter("norm", [dim], .ones, decays: false) : nil
    self.gate =
      gate == .none
      ? nil
      : Linear(parameters.scoped("gate"), context.width, heads * dim, initial: context.initial)
    output = Linear(
      parameters.scoped("output"), heads * dim, context.width, initial: context.outputInitial)
  }

  /// The map that makes the gate of the mixer's input; nil where there is none.
  var gateMap: Linear? { gate }

  /// Takes the heads' outputs [batch, length, heads, dim] and the mixer's input.
  public func callAsFunction(_ heads: Variable, input: Variable) -> Variable {
    self(heads, gatedBy: gate.map { $0(input.atWantedRows()) })
  }

  /// The same with what the gate's map made of the input at the positions that `atWantedRows` leaves.
  func callAsFunction(_ heads: Variable, gatedBy gate: Variable?) -> Variable {
    let heads = heads.atWantedRows()
    let flat = Array(heads.shape.dropLast(2)) + [heads.shape.suffix(2).reduce(1, *)]
    if normalised, let gate {
      return output.endingBranch(heads.rmsNorm(weight: norm?.variable, gatedBy: gate, .silu))
    }
    let y = (normalised ? heads.rmsNorm(weight: norm?.variable) : heads).reshaped(flat)
    return output.endingBranch(gate.map { y.gated(by: $0, .silu) } ?? y)
  }
}
