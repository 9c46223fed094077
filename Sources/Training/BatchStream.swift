import Dispatch
import Platform
import Synchronization
import TaskGenerators

/// Makes the training batches in the order of the plan, on one thread.
package struct BatchMaker {
  private let plan: DataPlan
  private let seed: UInt64
  private var step = 0
  private var epoch = -1
  private var places: [DataPlan.Place] = []
  private var pools: [Int: Pool] = [:]

  /// The batches of one pool, cut and ordered.
  private struct Pool {
    let epoch: Int
    let number: Int
    let batches: [HostBatch]
  }

  package init(_ plan: DataPlan, seed: UInt64) {
    self.plan = plan
    self.seed = seed
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
    let number = place.batch / DataPlan.poolBatches
    if let pool = pools[place.segment], pool.epoch == place.epoch, pool.number == number {
      return pool.batches[place.batch % DataPlan.poolBatches]
    }
    let pool = makePool(place.segment, epoch: place.epoch, number: number)
    pools[place.segment] = pool
    return pool.batches[place.batch % DataPlan.poolBatches]
  }

  private func makePool(_ segment: Int, epoch: Int, number: Int) -> Pool {
    let task = plan.segments[segment].task
    let indices = plan.indices(segment: segment, epoch: epoch, pool: number)
    let examples = indices.map { task.example(split: .train, seed: seed, index: $0) }
      .sortedByLength()
    let cuts = stride(from: 0, to: examples.count, by: plan.batch).map {
      examples[$0..<min($0 + plan.batch, examples.count)]
    }
    let order = plan.order(segment: segment, epoch: epoch, pool: number, count: cuts.count)
    let batches = order.map { HostBatch(cuts[$0], targetsPerExample: task.maximumTargets) }
    return Pool(epoch: epoch, number: number, batches: batches)
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
  ///   - steps: How many batches there will be.
  ///   - ahead: How many may wait.
  package init(_ plan: DataPlan, seed: UInt64, steps: Int, ahead: Int = 4) {
    // A semaphore must not end below the value that it was made with, so it starts at 0.
    for _ in 0..<ahead { room.signal() }
    Threads.start { [self] in
      var maker = BatchMaker(plan, seed: seed)
      for _ in 0..<steps {
        room.wait()
        if stopped.load(ordering: .relaxed) { return }
        let batch = maker.next()
        queue.withLock { $0.append(batch) }
        ready.signal()
      }
    }
  }

  /// The next batch, waiting for it where it must; to be called at most `steps` times.
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
