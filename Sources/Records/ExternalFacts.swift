/// What a record says of a model that was trained elsewhere and scored here.
///
/// Of such a model only the predictions are known. In its configuration the mixer is called
/// `external`, with the model's name as its setting; the model's and the training's other settings
/// are 0 or none, for nobody knows them here. Where the predictions came without probabilities, the
/// cross-entropy is NaN and the total variation is left out.
public struct ExternalFacts: Codable, Sendable, Hashable {
  /// The name of the mixer in the configuration, and the program in the versions.
  public static let label = "external"

  /// The name that was given to the model.
  public var name: String
  /// The SHA-256 of the answers that were scored: the tokens at the scored positions, example by
  /// example and segment by segment, as 32-bit integers.
  public var predictions: String
  /// The version of the program that scored them.
  public var scoredBy: String

  public init(name: String, predictions: String, scoredBy: String) {
    self.name = name
    self.predictions = predictions
    self.scoredBy = scoredBy
  }
}
