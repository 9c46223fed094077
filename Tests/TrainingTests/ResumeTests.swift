import Architectures
import CPUBackend
import Configuration
import TaskGenerators
import Testing
import Training

/// A training that is interrupted and goes on gives the bits of one that is not.
@Suite struct ResumeTests {
  /// All that a record says of a training.
  private struct Numbers: Equatable {
    let status: TrainingOutcome.Status
    let counts: [Int]
    let stoppedEarly: Bool
    let curve: [CurveSample]
    let validation: Tally
    let test: [Tally]
    let slices: [Tally]

    init(_ outcome: TrainingOutcome) {
      status = outcome.status
      counts = [outcome.steps, outcome.selectedStep, outcome.examples, outcome.tokens]
      stoppedEarly = outcome.stoppedEarly
      curve = outcome.curve
      validation = outcome.validation
      test = outcome.test.map(\.overall)
      slices = outcome.test.flatMap { $0.informativeSlices.map(\.tally) }
    }
  }

  /// Interrupts at the n-th time that a training asks.
  private final class Interruption {
    private var left: Int
    private(set) var hasCome = false
    init(at call: Int) { left = call }
    func ask() -> Bool {
      left -= 1
      if left == 0 { hasCome = true }
      return hasCome
    }
  }

  /// Interrupts a job wherever it asks, and goes on each time in a new process's place.
  private func expectSameBits(_ job: TrainingJob, every stride: Int = 1) throws {
    let whole = Numbers(try Jobs.trainer(job).run())
    var call = 1
    var finished = false
    while !finished {
      let interruption = Interruption(at: call)
      var saved: TrainingCheckpoint?
      let first = try Jobs.trainer(job).run(
        checkpoints: CheckpointPlan(every: .infinity) { saved = $0 },
        interrupted: interruption.ask)
      finished = !interruption.hasCome
      if finished {
        #expect(Numbers(first) == whole)
      } else if first.status == .interrupted {
        #expect(saved?.progress.steps == first.steps)
        #expect(try resumed(job, saved) == whole, "interrupted at call \(call)")
      }
      call += stride
    }
    #expect(call > 3)
  }

  private func resumed(_ job: TrainingJob, _ checkpoint: TrainingCheckpoint?) throws -> Numbers {
    let trainer = try Jobs.trainer(job, poison: true)
    if let checkpoint { try trainer.resume(checkpoint) }
    return Numbers(try trainer.run())
  }

  @Test(arguments: ["lstm", "attention", "delta-net", "mamba"])
  func anInterruptionChangesNothing(_ mixer: String) throws {
    try expectSameBits(
      try Jobs.make(
        try Jobs.parity(3...12), mixer: mixer,
        ["steps": .integer(9), "warmup": .integer(4), "evaluateEvery": .integer(3)]))
  }

  /// Fixed sets, several epochs, and looks at the loss between validations.
  @Test func longTrainingsOnFixedSets() throws {
    var job = try Jobs.make(
      try Jobs.recall(), seed: 3, ["steps": .integer(45), "evaluateEvery": .integer(25)])
    job.maximumLength = 24
    job.train = [
      DataSegment(task: try Jobs.recall(), examples: 21),
      DataSegment(task: try Jobs.recall(length: 24), examples: 9),
    ]
    try expectSameBits(job, every: 3)
  }

  @Test func divergenceComesAtTheSameStep() throws {
    let job = try Jobs.make(
      try Jobs.recall(),
      [
        "steps": .integer(30), "learningRate": .number(1000), "clip": .number(0),
        "warmup": .integer(30),
      ])
    #expect(try Jobs.trainer(job).run().status == .diverged)
    try expectSameBits(job)
  }

  @Test func anEarlyStopIsKept() throws {
    let job = try Jobs.make(try Jobs.recall(), ["stopAt": .number(0)])
    try expectSameBits(job)
  }

  /// Every state on the way, one training after the other.
  @Test func manyInterruptionsAreAsGoodAsNone() throws {
    let job = try Jobs.make(try Jobs.parity(3...12), mixer: "delta-net")
    let whole = Numbers(try Jobs.trainer(job).run())
    var saved: TrainingCheckpoint?
    var parts = 0
    while true {
      let trainer = try Jobs.trainer(job, poison: true)
      if let saved { try trainer.resume(saved) }
      // A validation asks three times before it is done.
      let interruption = Interruption(at: 5)
      let outcome = try trainer.run(
        checkpoints: CheckpointPlan(every: .infinity) { saved = $0 },
        interrupted: interruption.ask)
      parts += 1
      if outcome.status != .interrupted {
        #expect(Numbers(outcome) == whole)
        break
      }
      try #require(parts < 100)
    }
    #expect(parts > 3)
  }

  /// A wish that is gone when it is asked for again, as where a claim is seen to be ours once more:
  /// an evaluation that it has cut short must not count as a whole one.
  @Test func aPassingWishIsAnInterruption() throws {
    var job = try Jobs.make(
      try Jobs.recall(), ["steps": .integer(4), "evaluateEvery": .integer(2)])
    // Of several segments those after the wish would be whole.
    job.validation = (0..<2).map { _ in DataSegment(task: job.train[0].task, examples: 8) }
    job.test = job.validation
    let whole = Numbers(try Jobs.trainer(job).run())
    var (call, hasCome) = (0, true)
    while hasCome {
      call += 1
      var (asked, saved) = (0, TrainingCheckpoint?.none)
      let outcome = try Jobs.trainer(job).run(
        checkpoints: CheckpointPlan(every: .infinity) { saved = $0 },
        interrupted: {
          asked += 1
          return asked == call
        })
      hasCome = asked >= call
      #expect(outcome.status == (hasCome ? .interrupted : .finished), "asked for the \(call). time")
      if hasCome { #expect(try resumed(job, saved) == whole, "asked for the \(call). time") }
    }
    #expect(call > 8)
  }

  @Test func checkpointsComeAsOftenAsAsked() throws {
    let job = try Jobs.make(try Jobs.recall())
    var steps: [Int] = []
    _ = try Jobs.trainer(job).run(
      checkpoints: CheckpointPlan(every: 0) { steps.append($0.progress.steps) })
    #expect(Set(steps).isSubset(of: 1...12) && steps.count > 1 && steps == steps.sorted())
    steps = []
    _ = try Jobs.trainer(job).run(
      checkpoints: CheckpointPlan(every: .infinity) { steps.append($0.progress.steps) })
    #expect(steps.isEmpty)
  }

  @Test func anotherModelsCheckpointIsRefused() throws {
    var saved: TrainingCheckpoint?
    let job = try Jobs.make(try Jobs.recall())
    let interruption = Interruption(at: 7)
    _ = try Jobs.trainer(job).run(
      checkpoints: CheckpointPlan(every: .infinity) { saved = $0 },
      interrupted: interruption.ask)
    let checkpoint = try #require(saved)
    let other = try Jobs.trainer(try Jobs.make(try Jobs.recall(), mixer: "attention"))
    #expect(throws: CheckpointMismatch.self) { try other.resume(checkpoint) }
    #expect(other.progress.steps == 0)
    var broken = checkpoint
    broken.tensors["moments.first"] = []
    #expect(throws: CheckpointMismatch.self) { try Jobs.trainer(job).resume(broken) }
    broken = checkpoint
    broken.progress.steps = 13
    #expect(throws: CheckpointMismatch.self) { try Jobs.trainer(job).resume(broken) }
  }
}
