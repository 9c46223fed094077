/// What a job array asks Slurm for.
public struct SlurmRequest: Sendable {
  /// Array tasks: each is a worker that takes cells from the store.
  public var workers: Int
  /// The processor cores of a worker.
  public var cores: Int
  public var partition: String?
  /// The GPUs of a worker; nil for none.
  public var gpus: Int?
  /// The time limit of a worker, as Slurm writes it; nil for the partition's.
  public var time: String?
  /// Further options of `sbatch`, as `account=x` or `--account=x`.
  public var options: [String]

  public init(
    workers: Int, cores: Int, partition: String? = nil, gpus: Int? = nil, time: String? = nil,
    options: [String] = []
  ) {
    self.workers = workers
    self.cores = cores
    self.partition = partition
    self.gpus = gpus
    self.time = time
    self.options = options
  }

  /// Options that the script needs for itself.
  private static let reserved = ["array", "wrap", "output", "signal", "open-mode", "parsable"]

  /// The options of `sbatch` that the request stands for, in order.
  ///
  /// - Throws: `LaunchError` for what cannot be an option.
  func directives() throws(LaunchError) -> [(name: String, value: String?)] {
    var result: [(name: String, value: String?)] = [("array", "0-\(workers - 1)")]
    if let partition { result.append(("partition", partition)) }
    if let gpus { result.append(("gpus", String(gpus))) }
    result.append(("cpus-per-task", String(cores)))
    if let time { result.append(("time", try Self.checkedTime(time))) }
    for option in options { result.append(try Self.directive(option)) }
    return result
  }

  /// Slurm's forms: minutes, minutes:seconds, hours:minutes:seconds, and the same after "days-".
  private static func checkedTime(_ text: String) throws(LaunchError) -> String {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let clock = parts.last?.split(separator: ":", omittingEmptySubsequences: false) ?? []
    let numbers = parts.dropLast() + clock
    let isTime =
      (1...2).contains(parts.count) && (1...3).contains(clock.count)
      && numbers.allSatisfy { (1...6).contains($0.count) && $0.allSatisfy { "0"..."9" ~= $0 } }
    guard isTime else {
      throw LaunchError(
        "--time: '\(text.visible)' is no time limit; write 30 (minutes), 2:00:00 or 1-12:00:00",
        .usage)
    }
    return text
  }

  private static func directive(
    _ option: String
  ) throws(LaunchError) -> (name: String, value: String?) {
    let dashes = option.prefix { $0 == "-" }.count
    let sides = option.dropFirst(dashes).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = sides.first.map(String.init) ?? ""
    let isName =
      name.count > 1 && name.first?.isLetter == true
      && name.allSatisfy { "a"..."z" ~= $0 || "0"..."9" ~= $0 || $0 == "-" }
    guard dashes == 0 || dashes == 2, isName else {
      throw LaunchError(
        "--slurm-option: '\(option.visible)' is no long option of sbatch; write account=x",
        .usage)
    }
    guard !reserved.contains(name) else {
      throw LaunchError("--slurm-option: '\(name)' is set by the job script itself", .usage)
    }
    return (name, sides.count > 1 ? String(sides[1]) : nil)
  }
}

/// A launch that cannot be, in one line.
public struct LaunchError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// The command line is wrong.
    case usage
    /// The scheduler is not there, or refused.
    case unavailable
  }

  public let description: String
  public let kind: Kind

  init(_ description: String, _ kind: Kind) {
    self.description = description
    self.kind = kind
  }
}
