import Autograd
import Configuration
import Layers
import Platform
import Tensors

/// What softmax attention and its sliding-window form share: projections, positions, the cache of
/// keys and values.
struct AttentionLayer {
  static let settings: [Setting] = [
    MixerSetting.heads(1),
    Setting(
      "keyHeads", .integer(0...1024), default: .integer(0),
      "heads of keys and values, shared by groups of query heads; 0 for as many as heads"),
    Setting(
      "queryKeyNorm", .flag, default: .flag(false), "RMS-normalise queries and keys per head"),
    MixerSetting.convolution(0),
  ]

  private let heads: Int
  private let keyHeads: Int
  private let dim: Int
  private let window: Int
  private let projections: HeadProjections
  private let queryNorm: Parameter?
  private let keyNorm: Parameter?
  private let output: HeadOutput
  private let angles: RotaryAngles?
  private let slopes: Constant?

  /// Describes the layer.
  ///
  /// - Parameters:
  ///   - settings: The mixer's settings.
  ///   - window: Keys that a query sees, itself included; 0 for all.
  ///   - context: The model around it.
  /// - Throws: `SettingError` where the heads do not divide the width.
  init(_ settings: SettingValues, window: Int, _ context: MixerContext) throws(SettingError) {
    heads = settings.integer("heads")
    keyHeads = settings.integer("keyHeads") == 0 ? heads : settings.integer("keyHeads")
    dim = try context.headWidth(context.width, heads: heads)
    self.window = window
    guard heads % keyHeads == 0 else {
      throw SettingError(
        "keyHeads", "\(keyHeads) key heads do not divide \(heads) heads",
        help: "choose a divisor of \(heads)")
    }
    let taps = settings.integer("convolution")
    let activation: Elementwise = taps > 0 ? .silu : .identity
    let query = HeadProjection(
      context, "query", heads: heads, dim: dim, convolution: taps, activation: activation)
    let key = HeadProjection(
      context, "key", heads: keyHeads, dim: dim, convolution: taps, activation: activation)
    let value = HeadProjection(
      context, "value", heads: keyHeads, dim: dim, convolution: taps, activation: activation)
    projections = HeadProjections(query: query, key: key, value: value)
    let normed = settings.flag("queryKeyNorm")
    let parameters = context.parameters
    queryNorm = normed ? parameters.parameter("queryNorm", [dim], .ones, decays: false) : nil
    keyNorm = normed ? parameters.parameter("keyNorm", [dim], .ones, decays: false) : nil
    output = HeadOutput(context, heads: heads, dim: dim, normalised: false, gate: .none)
    angles = context.model.positions == .rotary ? try RotaryAngles(context, dim: dim) : nil
    slopes = context.model.positions == .alibi ? Self.slopes(context, heads: heads) : nil
  }

  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    if state == nil, let weights = projections.weightsAlone, queryNorm == nil, angles == nil {
      let attended = x.attention(
        ofMaps: weights, heads: heads, keyHeads: keyHeads, window: window,
        slopes: slopes?.variable)
      return output(attended, input: x)
    }
    var (q, k, v) = projections(x, state: state)
    if let queryNorm, let keyNorm {
      q = q.rmsNorm(weight: queryNorm.variable)
      k = k.rmsNorm(weight: keyNorm.variable)
    }
    if let angles {
      let position = state?.position ?? 0
      q = angles.rotate(q, from: position)
      k = angles.rotate(k, from: position)
    }
    let keys = k.appended(to: state?["keys"])
    let values = v.appended(to: state?["values"])
    let attended = q.attention(
      keys: keys, values: values, window: window, slopes: slopes?.variable,
      offset: keys.shape[1] - k.shape[1])
    if let state {
      state["keys"] = keys.lastPositions(window)
      state["values"] = values.lastPositions(window)
    }
    return output(attended, input: x)
  }

  func stateSize(length: Int) -> Int {
    let cached = window > 0 ? min(length, window) : length
    return 2 * cached * keyHeads * dim + projections.stateSize
  }

  /// The slopes of ALiBi, 2^(-8 (h+1) / H) (arXiv 2108.12409).
  private static func slopes(_ context: MixerContext, heads: Int) -> Constant {
    context.parameters.constant([heads]) {
      (0..<heads).map { Float(Mathematics.power(2, -8 * Double($0 + 1) / Double(heads))) }
    }
  }
}
