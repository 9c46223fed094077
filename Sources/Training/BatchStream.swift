import Dispatch
import Platform
import Synchronization
import TaskGenerators

/// Makes the training batches in the order of the plan.
package struct BatchMaker {
  /// A fixed set is kept rather than made again in every epoch up to this many tokens.
  private static let keptTokens = 1 << 26

  private let plan: DataPlan
  private let seed: UInt64
  private let threads: Int
  /// The whole of the fixed sets that are kept, by segment.
  private var kept: [Int: [Example]] = [:]
  private var step: Int
  private var epoch = -1
  private var places: [DataPlan.Place] = []
  private var pools: [Int: Pool] = [:]

  /// The batches of one pool, cut and ordered.
  private struct Pool {
    let epoch: Int
    let number: Int
    let batches: [HostBatch]
  }

  /// Makes a maker.
  ///
  /// - Parameters:
  ///   - plan: The order of the data.
  ///   - seed: The examples' seed.
  ///   - threads: How many threads make examples; more than one also keeps fixed sets in memory,
  ///     because a device that needs several threads would wait for them again in every epoch.
  ///   - step: The steps that were made before.
  package init(_ plan: DataPlan, seed: UInt64, threads: Int = 1, from step: Int = 0) {
    self.plan = plan
    self.seed = seed
    self.step = step
    self.threads = threads
  }

  /// The next step's batch.
  package mutating func next() -> HostBatch {
    let steps = plan.stepsPerEpoch
    if step / steps != epoch {
      epoch = step / steps
      places = plan.places(ofEpoch: epoch)
    }
    let place = places[step % steps]
    step += 1
    let number = plan.pool(ofBatch: place.batch, segment: place.segment)
    let inPool = place.batch - number * DataPlan.poolBatches
    if let pool = pools[place.segment], pool.epoch == place.epoch, pool.number == number {
      return pool.batches[inPool]
    }
    let pool = makePool(place.segment, epoch: place.epoch, number: number)
    pools[place.segment] = pool
    return pool.batches[inPool]
  }

  private mutating func makePool(_ segment: Int, epoch: Int, number: Int) -> Pool {
    let task = plan.segments[segment].task
    let indices = plan.indices(segment: segment, epoch: epoch, pool: number)
    let examples = self.examples(indices, of: segment).sortedByLength()
    let cuts = stride(from: 0, to: examples.count, by: plan.batch).map {
      examples[$0..<min($0 + plan.batch, examples.count)]
    }
    let order = plan.order(segment: segment, epoch: epoch, pool: number, count: cuts.count)
    let batches = order.map { HostBatch(cuts[$0], targetsPerExample: task.maximumTargets) }
    return Pool(epoch: epoch, number: number, batches: batches)
  }

  private mutating func examples(_ indices: [UInt64], of segment: Int) -> [Example] {
    let task = plan.segments[segment].task
    guard threads > 1, let count = plan.segments[segment].examples,
      count * task.maximumLength <= Self.keptTokens
    else { return task.examples(indices, split: .train, seed: seed, threads: threads) }
    let set =
      kept[segment]
      ?? task.examples(
        Array(0..<UInt64(count)), split: .train, seed: seed, threads: threads)
    kept[segment] = set
    return indices.map { set[Int($0)] }
  }
}

/// Batches made ahead on another thread, so that training never waits for them.
package final class BatchStream: Sendable {
  private let ready = DispatchSemaphore(value: 0)
  private let room = DispatchSemaphore(value: 0)
  private let queue = Mutex<[HostBatch]>([])
  private let stopped = Atomic<Bool>(false)

  /// Starts making batches.
  ///
  /// - Parameters:
  ///   - plan: The order of the data.
  ///   - seed: The examples' seed.
  ///   - steps: The steps, counted from 0, that batches are wanted for.
  ///   - ahead: How many may wait.
  ///   - threads: How many threads make examples.
  package init(_ plan: DataPlan, seed: UInt64, steps: Range<Int>, ahead: Int = 4, threads: Int = 1)
  {
    // A semaphore must not end below the value that it was made with, so it starts at 0.
    for _ in 0..<ahead { room.signal() }
    Threads.start { [self] in
      var maker = BatchMaker(plan, seed: seed, threads: threads, from: steps.lowerBound)
      for _ in steps {
        room.wait()
        if stopped.load(ordering: .relaxed) { return }
        let batch = maker.next()
        queue.withLock { $0.append(batch) }
        ready.signal()
      }
    }
  }

  /// The next batch, waiting for it where it must; to be called at most once for each of the steps.
  package func next() -> HostBatch {
    ready.wait()
    let batch = queue.withLock { $0.removeFirst() }
    room.signal()
    return batch
  }

  /// Ends the making of batches early.
  package func stop() {
    stopped.store(true, ordering: .relaxed)
    room.signal()
  }
}
