import Configuration
import Platform
public import Records

/// What training the cells of a plan that are missing will take, roughly.
public struct GridEstimate: Sendable {
  /// One cell's share.
  public struct Cell: Sendable, Hashable {
    public var cost: CellCost
    /// Without an early stop; nil where no speed is known.
    public var seconds: Double?
  }

  /// The cells that can be estimated, by their place in the plan.
  public var cells: [Int: Cell]
  /// From the start to the last cell's end, without early stops; nil where no speed is known.
  public var seconds: Double?
  /// All memory at once, with the cells side by side that need most.
  public var memoryBytes: Int
  /// Where the speed is from, for people.
  public var basis: String

  public var operations: Double { cells.values.reduce(0) { $0 + $1.cost.operations } }
}

extension GridEstimate {
  /// Estimates what is missing.
  ///
  /// Speed is taken from cells of the store that ran on such a device: those of the same task
  /// setting and model, or else those with the same mixers. For what no such cell tells about, a
  /// few training steps are measured, two seconds at most altogether.
  ///
  /// - Parameters:
  ///   - workload: The plan, and what is missing.
  ///   - registries: The tasks and mixers.
  ///   - store: Where finished cells are.
  ///   - devices: Where the cells are to be trained.
  ///   - jobs: How many side by side.
  public init(
    _ workload: Workload, _ registries: Registries, store: RunStore, devices: ComputeDevices,
    jobs: Int
  ) {
    let counter = CellCounter(registries)
    var costs: [Int: CellCost] = [:]
    for index in workload.pending {
      costs[index] = counter.cost(of: workload.plan.cells[index].configuration)
    }
    var speeds = KnownSpeeds(workload, in: store, devices: devices, counter)
    let unknown = costs.keys.sorted().filter { speeds[workload.plan.cells[$0]] == nil }
    let calibration = Calibration(registries, devices: devices, jobs: jobs)
    let measured = calibration.measure(
      unknown.compactMap { index in
        costs[index].map { (workload.plan.cells[index].configuration, $0.operations) }
      }, counter)
    speeds.add(measured)
    let cells = costs.reduce(into: [Int: Cell]()) { cells, entry in
      let pace = speeds[workload.plan.cells[entry.key]]
      cells[entry.key] = Cell(cost: entry.value, seconds: pace.map { $0 * entry.value.operations })
    }
    self.cells = cells
    seconds = Self.makespan(workload.pending.map { cells[$0]?.seconds }, jobs: jobs)
    memoryBytes = costs.values.map(\.memoryBytes).sorted(by: >).prefix(jobs).reduce(0, +)
    basis = Self.basis(finished: speeds.cells, isMeasured: !measured.isEmpty)
  }

  private static func basis(finished: Int, isMeasured: Bool) -> String {
    var parts: [String] = []
    if finished > 0 { parts.append("the times of \(finished) finished cells") }
    if isMeasured { parts.append("a few training steps on this machine") }
    return parts.isEmpty ? "nothing" : parts.joined(separator: " and ")
  }

  /// When the last cell ends, if each worker takes the next as soon as it is free.
  static func makespan(_ seconds: [Double?], jobs: Int) -> Double? {
    var workers = [Double](repeating: 0, count: max(1, jobs))
    for cell in seconds {
      guard let cell else { return nil }
      let free = workers.indices.min { workers[$0] < workers[$1] } ?? 0
      workers[free] += cell
    }
    return workers.max()
  }
}

/// Seconds for each operation, from cells that are finished.
struct KnownSpeeds {
  /// Reading thousands of records would take longer than it helps.
  private static let most = 200

  private struct Labels: Hashable {
    let task: String
    let model: String
  }

  private var exact: [Labels: Double] = [:]
  private var byMixers: [String: Double] = [:]
  /// How many cells were looked at.
  private(set) var cells = 0

  init(
    _ workload: Workload, in store: RunStore, devices: ComputeDevices, _ counter: CellCounter
  ) {
    let pending = Set(workload.pending)
    let done = workload.keys.indices.filter { !pending.contains($0) }
    var samples: [(PlannedCell, Double)] = []
    for place in stride(from: 0, to: done.count, by: max(1, done.count / Self.most)) {
      let (key, cell) = (workload.keys[done[place]], workload.plan.cells[done[place]])
      guard let timing = store.readTiming(key), Self.isAlike(timing, devices),
        let record = try? store.read(key), record.status == .finished,
        let pace = Self.pace(timing, record, counter.cost(of: cell.configuration))
      else { continue }
      samples.append((cell, pace))
    }
    cells = samples.count
    exact = Dictionary(grouping: samples) { Labels(task: $0.0.taskLabel, model: $0.0.modelLabel) }
      .mapValues(Self.mean)
    byMixers = Dictionary(grouping: samples) { $0.0.configuration.model.mixerNames }
      .mapValues(Self.mean)
  }

  subscript(cell: PlannedCell) -> Double? {
    exact[Labels(task: cell.taskLabel, model: cell.modelLabel)]
      ?? byMixers[cell.configuration.model.mixerNames]
  }

  /// Adds measured speeds for mixers of which nothing is known.
  mutating func add(_ measured: [String: Double]) { byMixers.merge(measured) { known, _ in known } }

  /// Whether a timing is from such a device, on such a machine.
  private static func isAlike(_ timing: CellTiming, _ devices: ComputeDevices) -> Bool {
    devices.usesGPU
      ? timing.device != "cpu" : timing.device == "cpu" && timing.cpu == Machine.processor
  }

  /// Seconds for each operation; early stops leave some of the steps out.
  private static func pace(
    _ timing: CellTiming, _ record: CellRecord, _ cost: CellCost?
  ) -> Double? {
    guard let cost, record.training.steps > 0 else { return nil }
    var done = cost
    done.steps = record.training.steps
    done.validations = record.training.curve.count
    return timing.wallSeconds / max(1, done.operations)
  }

  private static func mean(_ samples: [(PlannedCell, Double)]) -> Double {
    samples.reduce(0) { $0 + $1.1 } / Double(max(1, samples.count))
  }
}

extension ModelConfiguration {
  /// The mixers of all kinds of layers, as a name for what determines a model's speed.
  var mixerNames: String { mixers.map(\.name).joined(separator: "+") }
}
