/// A model: sequence mixers in a residual backbone, with a switch for everything that papers
/// vary silently.
public struct ModelConfiguration: Codable, Sendable, Hashable {
  public enum ChannelMixer: String, Codable, Sendable, CaseIterable { case none, mlp, swiglu }
  public enum Positions: String, Codable, Sendable, CaseIterable {
    case none, learned, rotary, alibi
  }
  public enum Norm: String, Codable, Sendable, CaseIterable { case rms, layer, none }

  /// The mixers of the layers, repeated from the start until every layer has one.
  public var mixers: [MixerConfiguration]
  public var width: Int
  public var layers: Int
  public var channelMixer: ChannelMixer
  public var channelRatio: Double
  public var positions: Positions
  public var norm: Norm
  public var tiedHead: Bool
  public var initialScale: Double

  /// The declarations of all settings but `mixer`.
  public static let declared: [Setting] = [
    Setting("width", .integer(1...65536), default: .integer(64), "model width d"),
    Setting("layers", .integer(1...256), default: .integer(2), "number of layers"),
    Setting(
      "channelMixer", .choice(ChannelMixer.allCases.map(\.rawValue)), default: .text("none"),
      "what follows each sequence mixer: nothing, a GELU MLP, or a SwiGLU"),
    Setting(
      "channelRatio", .number(0.125...64), default: .number(4),
      "hidden width of the channel mixer over the model width"),
    Setting(
      "positions", .choice(Positions.allCases.map(\.rawValue)), default: .text("none"),
      "learned: a table added to the embeddings; rotary, alibi: inside attention"),
    Setting(
      "norm", .choice(Norm.allCases.map(\.rawValue)), default: .text("rms"),
      "normalisation before each mixer and before the head"),
    Setting("tiedHead", .flag, default: .flag(true), "the head shares the embedding's weights"),
    Setting(
      "initialScale", .number(0...10), default: .number(0.02),
      "standard deviation of the initial embeddings and projections"),
  ]

  /// Makes a model from its checked settings.
  public init(mixers: [MixerConfiguration], settings: SettingValues) {
    self.mixers = mixers
    width = settings.integer("width")
    layers = settings.integer("layers")
    channelMixer = ChannelMixer(rawValue: settings.text("channelMixer")) ?? .none
    channelRatio = settings.number("channelRatio")
    positions = Positions(rawValue: settings.text("positions")) ?? .none
    norm = Norm(rawValue: settings.text("norm")) ?? .rms
    tiedHead = settings.flag("tiedHead")
    initialScale = settings.number("initialScale")
  }

  /// Makes a model with the given settings over the defaults.
  ///
  /// - Throws: `SettingError` for an unknown or ill-typed setting.
  public init(
    mixers: [MixerConfiguration], _ given: [String: SettingValue] = [:]
  ) throws(SettingError) {
    self.init(
      mixers: mixers,
      settings: try SettingValues(given, declared: Self.declared, of: "model"))
  }

  /// The mixer of a layer (counted from 0).
  public func mixer(ofLayer layer: Int) -> MixerConfiguration { mixers[layer % mixers.count] }
}
