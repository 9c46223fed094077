import Configuration
import Platform
import Synchronization
import Tensors
import Training

/// A few training steps, to learn how fast a machine is.
struct Calibration {
  /// For all mixers together.
  private static let budget = 2.0
  private static let longestShare = 0.5
  /// A step of a model that is not known yet must not take the whole time; a GPU does it anyway.
  private static let slowestRate = 2e9

  private let registries: Registries
  private let devices: ComputeDevices
  /// As many at once as there will be, because they share caches and memory.
  private let threads: Int

  init(_ registries: Registries, devices: ComputeDevices, jobs: Int) {
    self.registries = registries
    self.devices = devices
    threads = max(1, min(jobs, Machine.cores, 8))
  }

  /// Measures one model for each combination of mixers, that with most to do.
  ///
  /// - Parameters:
  ///   - cells: Cells, with their operations.
  ///   - counter: Counts the steps that are run.
  /// - Returns: Seconds for each operation, by the mixers' names.
  func measure(
    _ cells: [(configuration: CellConfiguration, operations: Double)], _ counter: CellCounter
  ) -> [String: Double] {
    let groups = Dictionary(grouping: cells) { $0.configuration.model.mixerNames }
    let share = min(Self.longestShare, Self.budget / Double(max(1, groups.count)))
    let end = MonotonicClock.seconds + Self.budget
    var result: [String: Double] = [:]
    for (name, cells) in groups.sorted(by: { $0.key < $1.key }) {
      guard let heaviest = cells.max(by: { $0.operations < $1.operations }) else { continue }
      // Where the time is up, what was measured so far must do.
      guard MonotonicClock.seconds < end else {
        result[name] = result.isEmpty ? nil : result.values.sorted()[result.count / 2]
        continue
      }
      result[name] = pace(of: heaviest.configuration, counter, seconds: share)
    }
    return result
  }

  /// Seconds for each operation of a model's training; nil where it cannot be trained.
  private func pace(
    of configuration: CellConfiguration, _ counter: CellCounter, seconds: Double
  ) -> Double? {
    guard var cost = counter.cost(of: configuration) else { return nil }
    var smaller = configuration
    let most = seconds / 4 * Self.slowestRate
    if !devices.usesGPU, cost.operationsPerStep > most {
      let share = most / cost.operationsPerStep
      smaller.training.batch = max(1, Int(Double(configuration.training.batch) * share))
      guard let counted = counter.cost(of: smaller) else { return nil }
      cost = counted
    }
    let measured = Mutex<[Double]>([])
    Threads.run(threads) { [smaller] worker in
      guard let time = try? secondsPerStep(smaller, worker: worker, seconds: seconds) else {
        return
      }
      measured.withLock { $0.append(time) }
    }
    let times = measured.withLock { $0 }
    guard !times.isEmpty else { return nil }
    return times.reduce(0, +) / Double(times.count) / max(1, cost.operationsPerStep)
  }

  private func secondsPerStep(
    _ configuration: CellConfiguration, worker: Int, seconds: Double
  ) throws -> Double {
    let start = MonotonicClock.seconds
    let backend = try devices.makeBackend(worker)
    let job = try CellRunner(registries: registries, jobs: 1, devices: devices).job(configuration)
    let stepper = try Stepper(job, registry: registries.mixers, on: backend)
    let plan = try DataPlan(job.train, batch: job.training.batch, seed: 0)
    var maker = BatchMaker(plan, seed: 0)
    let batch = maker.next()
    // The first step gets memory and compiles kernels, the second is recorded.
    for _ in 0..<2 { stepper.step(batch) }
    backend.synchronize()
    let begin = MonotonicClock.seconds
    var steps = 0
    repeat {
      stepper.step(batch)
      steps += 1
      if steps % 4 == 1 { backend.synchronize() }
    } while MonotonicClock.seconds - start < seconds || steps < 2
    backend.synchronize()
    if let failure = backend.failure { throw failure }
    return (MonotonicClock.seconds - begin) / Double(steps)
  }
}
