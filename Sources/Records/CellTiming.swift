/// How long a cell took and where it ran: all that may differ between two runs of the same cell.
public struct CellTiming: Codable, Sendable, Hashable {
  public var key: String
  public var wallSeconds: Double
  public var trainSeconds: Double
  public var evaluateSeconds: Double
  /// Training throughput.
  public var tokensPerSecond: Double
  public var stepsPerSecond: Double
  public var host: String
  /// The processor's name.
  public var cpu: String
  /// The kernels' level: "x86-64-v4".
  public var cpuLevel: String
  /// Where the cell ran: "cpu", "cuda:0".
  public var device: String
  /// The number of cells that ran at the same time.
  public var jobs: Int
  /// The time in UTC, as ISO 8601 writes it.
  public var startedAt: String
  /// The program's version.
  public var program: String
  /// How often the cell went on from a checkpoint; nil for never.
  ///
  /// The seconds are of all its parts, as far as they were not trained again.
  public var resumptions: Int?

  public init(
    key: String, wallSeconds: Double, trainSeconds: Double, evaluateSeconds: Double,
    tokensPerSecond: Double, stepsPerSecond: Double, host: String, cpu: String, cpuLevel: String,
    device: String, jobs: Int, startedAt: String, program: String,
    resumptions: Int? = nil
  ) {
    self.key = key
    self.wallSeconds = wallSeconds
    self.trainSeconds = trainSeconds
    self.evaluateSeconds = evaluateSeconds
    self.tokensPerSecond = tokensPerSecond
    self.stepsPerSecond = stepsPerSecond
    self.host = host
    self.cpu = cpu
    self.cpuLevel = cpuLevel
    self.device = device
    self.jobs = jobs
    self.startedAt = startedAt
    self.program = program
    self.resumptions = resumptions
  }
}
