public import Autograd
public import Configuration
public import Layers

/// A layer that mixes positions: attention, a linear recurrence, a cell, a convolution.
///
/// To add one, write one file with a conforming type and list it in `MixerCatalog.all` (or hand it
/// to `Hysteresis.main(mixers:)` from a package of your own); the contract tests run over the
/// catalogue.
public protocol SequenceMixer: SendableMetatype {
  static var info: MixerInfo { get }

  /// Describes the mixer's parameters; nothing is allocated.
  ///
  /// - Parameters:
  ///   - settings: The mixer's complete settings.
  ///   - context: The model around it, and where its parameters are kept.
  /// - Throws: `SettingError` where the settings are impossible in this model.
  init(settings: SettingValues, context: MixerContext) throws(SettingError)

  /// Mixes a segment of a sequence.
  ///
  /// - Parameters:
  ///   - x: [batch, length, width]; output t may depend on the inputs 0 ... t only.
  ///   - state: nil in training. Otherwise what the segments before left, to be read and
  ///     replaced by what the segments after need: its size must be `stateSize`.
  /// - Returns: [batch, length, width]
  func callAsFunction(_ x: Variable, state: MixerState?) -> Variable

  /// Floats carried per sequence after `length` positions, convolution inputs included.
  func stateSize(length: Int) -> Int
}

/// What is known of a mixer before its settings are chosen.
public struct MixerInfo: Sendable {
  /// The name in grids, as the literature writes it.
  public let name: String
  /// One line.
  public let summary: String
  /// The recurrence, in the notation of the field.
  public let recurrence: String
  public let paper: String
  /// Raised whenever the same settings and seed give other numbers than before.
  public let version: Int
  public let settings: [Setting]
  /// Whether the mixer reads the model's rotary or ALiBi positions.
  public let usesPositions: Bool
  /// The range of the state transition's eigenvalues, given the settings.
  public let eigenvalues: @Sendable (SettingValues) -> String
  /// What one layer can represent exactly at every length in finite precision: parity, counting
  /// modulo 3, the word problem of S5 (`architectures.md`, part 4).
  public let stateTracking: @Sendable (SettingValues) -> StateTracking

  public init(
    name: String, summary: String, recurrence: String, paper: String, version: Int = 1,
    settings: [Setting], usesPositions: Bool = false,
    eigenvalues: @escaping @Sendable (SettingValues) -> String,
    stateTracking: @escaping @Sendable (SettingValues) -> StateTracking
  ) {
    self.name = name
    self.summary = summary
    self.recurrence = recurrence
    self.paper = paper
    self.version = version
    self.settings = settings
    self.usesPositions = usesPositions
    self.eigenvalues = eigenvalues
    self.stateTracking = stateTracking
  }
}

/// What theory says that one layer can track.
public struct StateTracking: Sendable, Hashable, Codable {
  public var parity: Bool
  public var modulo3: Bool
  public var s5: Bool

  public init(parity: Bool, modulo3: Bool, s5: Bool) {
    self.parity = parity
    self.modulo3 = modulo3
    self.s5 = s5
  }

  public static let none = StateTracking(parity: false, modulo3: false, s5: false)
  public static let all = StateTracking(parity: true, modulo3: true, s5: true)
}

/// The model around a mixer.
public struct MixerContext {
  /// Where the mixer keeps its parameters.
  public let parameters: Parameters
  public let model: ModelConfiguration
  /// The layer, counted from 0.
  public let layer: Int
  /// The longest sequence that the model will see.
  public let maximumLength: Int

  public init(parameters: Parameters, model: ModelConfiguration, layer: Int, maximumLength: Int) {
    self.parameters = parameters
    self.model = model
    self.layer = layer
    self.maximumLength = maximumLength
  }

  public var width: Int { model.width }
  /// The law of input projections.
  public var initial: Initialiser { .normal(deviation: Float(model.initialScale)) }
  /// The law of projections back to the residual stream, narrower with depth: it sums 2 L of them
  /// (GPT-2's rule, which the recall literature keeps).
  public var outputInitial: Initialiser {
    .normal(deviation: Float(model.initialScale / (2 * Double(model.layers)).squareRoot()))
  }

  /// The width of each of `heads` heads of a total width.
  ///
  /// - Throws: `SettingError` where it does not divide.
  public func headWidth(_ total: Int, heads: Int, setting: String = "heads") throws(SettingError)
    -> Int
  {
    guard total % heads == 0, total >= heads else {
      throw SettingError(
        setting, "\(heads) heads do not divide a width of \(total)",
        help: "choose a divisor of \(total)")
    }
    return total / heads
  }
}

/// What a mixer carries from one segment of a sequence to the next.
public final class MixerState {
  /// Positions seen before this segment.
  public internal(set) var position = 0
  private var tensors: [String: Variable] = [:]

  public init() {}

  /// A carried tensor by name; nil before the first segment.
  public subscript(name: String) -> Variable? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }

  /// All floats carried, for the whole batch.
  public var count: Int { tensors.values.reduce(0) { $0 + $1.shape.reduce(1, *) } }
}
