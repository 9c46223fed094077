package import Records

/// How a grid is run, apart from what determines its numbers.
public struct RunOptions: Sendable {
  /// Seconds of training between two checkpoints of a cell; 0 for none but when interrupted.
  public var checkpointEvery = 30.0
  /// No more cells are started after so many have failed; nil for no limit.
  public var mostFailures: Int?
  /// Whether to stay until the cells are done that other processes train.
  public var waits = true
  /// Whether the store also gets the trained models; a finished cell without its model is then
  /// trained again, which gives the same record.
  public var keepsModels = false
  /// How other processes tell that this one is alive.
  package var claims = ClaimTiming.standard

  public init() {}
}
