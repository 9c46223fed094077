package import Autograd
public import Configuration
package import Layers
package import Randomness
package import Tensors

/// A sequence model: embedding, layers of a mixer and a channel mixer in a pre-norm residual
/// stream, a final norm and a head.
///
/// Making a model only describes it; `materialise` allocates.
public final class Model {
  public let configuration: ModelConfiguration
  public let vocabulary: Int
  public let maximumLength: Int
  private let parameters = Parameters()
  private let embedding: Parameter
  private let positions: Parameter?
  private let blocks: [Block]
  private let finalNorm: Norm
  private let head: Parameter?
  private var arena: ParameterArena?

  private struct Block {
    let norm: Norm
    let mixer: any SequenceMixer
    let channelNorm: Norm?
    let channelMixer: ChannelMixer?
  }

  /// Describes a model.
  ///
  /// - Parameters:
  ///   - configuration: The model; its mixers' settings must be complete.
  ///   - vocabulary: The number of token ids.
  ///   - maximumLength: The longest sequence that it will see.
  ///   - registry: Where its mixers are found.
  /// - Throws: `SettingError` for a model that cannot be.
  public init(
    _ configuration: ModelConfiguration, vocabulary: Int, maximumLength: Int,
    registry: MixerRegistry = MixerRegistry()
  ) throws(SettingError) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.maximumLength = maximumLength
    try Self.checkPositions(configuration, registry)
    try Self.checkChannelMixer(configuration)
    let width = configuration.width
    let initial = Initialiser.normal(deviation: Float(configuration.initialScale))
    embedding = parameters.parameter("embedding", [vocabulary, width], initial)
    positions =
      configuration.positions == .learned
      ? parameters.parameter("positions", [maximumLength, width], initial) : nil
    var blocks: [Block] = []
    for layer in 0..<configuration.layers {
      blocks.append(
        try Self.block(
          layer, configuration, maximumLength, parameters.scoped("layer\(layer)"), registry))
    }
    self.blocks = blocks
    finalNorm = Norm(parameters.scoped("finalNorm"), configuration.norm, width: width)
    head =
      configuration.tiedHead ? nil : parameters.parameter("head", [vocabulary, width], initial)
  }

  private static func block(
    _ layer: Int, _ model: ModelConfiguration, _ maximumLength: Int, _ parameters: Parameters,
    _ registry: MixerRegistry
  ) throws(SettingError) -> Block {
    let choice = model.mixer(ofLayer: layer)
    let type = try registry.type(named: choice.name)
    let settings = try SettingValues(
      choice.settings, declared: type.info.settings, of: "mixer \(choice.name)")
    let context = MixerContext(
      parameters: parameters.scoped("mixer"), model: model, layer: layer,
      maximumLength: maximumLength)
    let norm = Norm(parameters.scoped("norm"), model.norm, width: model.width)
    let mixer = try type.init(settings: settings, context: context)
    let channelMixer = ChannelMixer(
      parameters.scoped("channel"), model, initial: context.initial, output: context.outputInitial)
    let channelNorm = channelMixer.map { _ in
      Norm(parameters.scoped("channelNorm"), model.norm, width: model.width)
    }
    return Block(norm: norm, mixer: mixer, channelNorm: channelNorm, channelMixer: channelMixer)
  }

  /// Rotary and ALiBi positions live inside attention; a model without any would ignore them.
  private static func checkPositions(
    _ model: ModelConfiguration, _ registry: MixerRegistry
  ) throws(SettingError) {
    guard model.positions == .rotary || model.positions == .alibi else { return }
    for layer in 0..<min(model.layers, model.mixers.count) {
      if try registry.type(named: model.mixer(ofLayer: layer).name).info.usesPositions { return }
    }
    throw SettingError(
      "positions", "no layer of this model uses \(model.positions.rawValue) positions",
      help: "choose none or learned, or add an attention layer")
  }

  /// A model without channel mixers would ignore the width of their hidden layer.
  private static func checkChannelMixer(_ model: ModelConfiguration) throws(SettingError) {
    let usual = ModelConfiguration.declared.first { $0.name == "channelRatio" }?.defaultValue
    guard model.channelMixer == .none, usual != .number(model.channelRatio) else { return }
    throw SettingError(
      "channelRatio",
      "'channelRatio' (\(model.channelRatio)) has no effect without a channel mixer",
      help: "choose channelMixer mlp or swiglu, or leave it out")
  }

  public var parameterCount: Int { parameters.count }

  /// Floats carried per sequence after `length` positions, over all layers.
  public func stateSize(length: Int) -> Int {
    blocks.reduce(0) { $0 + $1.mixer.stateSize(length: length) }
  }

  /// Allocates and initialises the parameters on the tape's device.
  package func materialise(on tape: Tape, random: RandomSource) -> ParameterArena {
    let arena = parameters.materialise(on: tape, random: random)
    self.arena = arena
    return arena
  }

  /// All parameters, in the order in which they were made.
  package var allParameters: [Parameter] { parameters.all }

  /// The residual stream after the last layer, before the final norm.
  ///
  /// - Parameters:
  ///   - tokens: [batch, length]
  ///   - state: nil in training; otherwise what the segments before left, and is replaced.
  /// - Returns: [batch, length, width]
  package func stream(_ tokens: IndexTensor, state: ModelState? = nil) -> Variable {
    let stream = residualStream(tokens, state: state)
    return stream.last.map { stream.x.adding($0) } ?? stream.x
  }

  /// The residual stream after the last layer, whose last addition waits.
  ///
  /// Where somebody looks at the `wanted` positions alone, these are all that is there.
  private func residualStream(
    _ tokens: IndexTensor, state: ModelState?, wanted: IndexTensor? = nil
  ) -> ResidualStream {
    let length = tokens.shape[1]
    let start = state?.position ?? 0
    precondition(
      start + length <= maximumLength, "\(start + length) positions, at most \(maximumLength)")
    let rows = TokenRows(
      of: embedding.variable, at: tokens, addingPositions: positions?.variable, from: start)
    var stream = ResidualStream(rows, blocks.first?.norm)
    for (layer, block) in blocks.enumerated() {
      let own = state?.layers[layer]
      own?.position = start
      if layer == blocks.count - 1, let wanted {
        stream.add(block.norm, at: wanted) { block.mixer($0, state: own) }
      } else {
        stream.add(block.norm) { block.mixer($0, state: own) }
      }
      if let channelMixer = block.channelMixer, let channelNorm = block.channelNorm {
        stream.mix(channelNorm, channelMixer)
      }
    }
    state?.position = start + length
    return stream
  }

  /// Logits at every position, for prediction and tests; training never makes them.
  package func logits(_ tokens: IndexTensor, state: ModelState? = nil) -> Variable {
    logits(of: finalNorm(stream(tokens, state: state)))
  }

  /// The head's input at some positions.
  ///
  /// - Parameters:
  ///   - tokens: [batch, length]
  ///   - places: [rows], the positions as batch index * length + position, each at most once; -1
  ///     for none.
  /// - Returns: [rows, width]
  package func hidden(_ tokens: IndexTensor, places: IndexTensor) -> Variable {
    let isSparse = looksAtPlacesAlone(tokens, places)
    var stream = residualStream(tokens, state: nil, wanted: isSparse ? places : nil)
    if !isSparse { stream.keep(places) }
    return stream.last.map { finalNorm(stream.x, adding: $0).norm } ?? finalNorm(stream.x)
  }

  /// Whether what follows the last mixer's memory is computed at the places alone: the way back to the
  /// stream and the channel mixer look at one position at a time.
  ///
  /// The processor goes through all positions, as its gradients are sums in an order that depends on
  /// the number of rows, and its results are to stay as they are bit by bit.
  private func looksAtPlacesAlone(_ tokens: IndexTensor, _ places: IndexTensor) -> Bool {
    !blocks.isEmpty && places.count < tokens.count
      && embedding.variable.tape.backend is any FusedKernels
  }

  /// The logits of what `hidden` gives: [rows, vocabulary].
  package func logits(of hidden: Variable) -> Variable {
    hidden.logits(of: (head ?? embedding).variable)
  }

  /// The loss and the answers at the supervised positions only.
  ///
  /// - Parameters:
  ///   - tokens: [batch, length]
  ///   - places: [rows], the supervised positions as batch index * length + position; -1 for none.
  ///   - targets: [rows]; -1 where the place is -1.
  ///   - scale: [1], the weight of each row in the gradient.
  /// - Returns: The loss and the arg-max of each row; the gradients are on their way.
  package func loss(
    _ tokens: IndexTensor, places: IndexTensor, targets: IndexTensor, scale: Tensor
  ) -> LossResult {
    loss(of: hidden(tokens, places: places), targets: targets, scale: scale)
  }

  /// The loss and the answers for what `hidden` gives.
  package func loss(of hidden: Variable, targets: IndexTensor, scale: Tensor) -> LossResult {
    hidden.crossEntropy(
      weight: (head ?? embedding).variable, bias: nil, targets: targets, scale: scale)
  }
}

/// What a model carries from one segment of a sequence to the next.
package final class ModelState {
  package internal(set) var position = 0
  package let layers: [MixerState]

  package init(layers: Int) { self.layers = (0..<layers).map { _ in MixerState() } }

  /// All floats carried, for the whole batch.
  package var count: Int { layers.reduce(0) { $0 + $1.count } }
}
