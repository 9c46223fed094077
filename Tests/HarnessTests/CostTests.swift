import Autograd
import CPUBackend
import Configuration
import Harness
import TaskGenerators
import Tensors
import Testing
import Training

/// What cells cost, known before they are trained.
@Suite struct CostTests {
  /// The cases of the speed bench state their operations on their own; only the products of
  /// matrices, scans and the like count there.
  @Test(arguments: OpCatalog.timings.filter { OpCatalog.matrixOperations.contains($0.op) })
  func operationsAreThoseOfTheDefinition(_ entry: OpCase) throws {
    func count(recording: Bool) throws -> Double {
      try CountedOperations.of { backend in
        let tape = Tape(backend, recording: recording)
        let variables = entry.inputs.map {
          Variable(
            backend.empty($0.shape), on: tape, needsGradient: recording && $0.differentiable)
        }
        let outputs = entry.run(tape, variables)
        guard recording else { return }
        tape.backward(from: outputs.filter(\.needsGradient).map { ($0, $0.value) })
      }.operations
    }
    let forward = try count(recording: false)
    #expect((1...1.35).contains(forward / entry.flops), "\(entry): \(forward / entry.flops)")
    // A product has two gradients; some things are made again.
    let train = try count(recording: true)
    #expect((2.4...4.2).contains(train / forward), "\(entry): \(train / forward)")
  }

  private func cost(_ grid: String) throws -> CellCost {
    let tiny = try TinyRun(grid)
    return try #require(CellCounter(tiny.registries).cost(of: tiny.plan.cells[0].configuration))
  }

  private func grid(
    mixer: String = "lstm", length: String = "32", width: Int = 32, steps: Int = 10,
    rate: String = "1e-3", seed: Int = 0, validation: Int = 64
  ) -> String {
    """
    name: cost
    baseline:
      task:
        name: mqar
        length: \(length)
        pairs: 2
        vocabulary: 64
        validation: {examples: \(validation)}
        test: {examples: 128}
      model: {mixer: \(mixer), width: \(width), layers: 2}
      training: {steps: \(steps), batch: 8, learningRate: \(rate), evaluateEvery: 5}
      seed: \(seed)
    """
  }

  @Test func costsGrowWithWhatTheyArePaidFor() throws {
    let base = try cost(grid())
    #expect(base.steps == 10 && base.validations == 2 && base.tokensPerStep == 8 * 32)
    let parts =
      10 * base.operationsPerStep + 2 * base.operationsPerValidation + base.operationsPerTest
    #expect(base.operations == parts)
    // 64 and 128 examples, forward only.
    #expect(base.operationsPerTest == 2 * base.operationsPerValidation)
    #expect(base.operationsPerValidation < 8 * base.operationsPerStep / 2)
    #expect(try cost(grid(rate: "1e-2", seed: 7)) == base)
    #expect(try cost(grid(steps: 20)).operationsPerStep == base.operationsPerStep)
    #expect(try cost(grid(validation: 128)).operationsPerValidation == base.operationsPerTest)
    let wide = try cost(grid(width: 64))
    #expect((3...4).contains(wide.operationsPerStep / base.operationsPerStep))
    #expect(wide.memoryBytes > base.memoryBytes)
    // Attention looks at all pairs, a recurrence does not.
    let growth = { (mixer: String) in
      try self.cost(self.grid(mixer: mixer, length: "512")).operationsPerToken
        / self.cost(self.grid(mixer: mixer, length: "64")).operationsPerToken
    }
    #expect(try growth("attention") > 1.5)
    #expect(try growth("lstm") < 1.05)
  }

  /// The two matrices of an Elman-like count: 6 operations for each weight and token, and little
  /// beside them.
  @Test func wideModelsCostSixOperationsForEachWeight() throws {
    let tiny = try TinyRun(grid(width: 256))
    let model = tiny.plan.cells[0].configuration.model
    let counter = CellCounter(tiny.registries)
    let cost = try #require(counter.cost(of: tiny.plan.cells[0].configuration))
    let weights = Double(model.layers * 8 * 256 * 256)
    #expect((6...7).contains(cost.operationsPerToken / weights))
  }

  /// The layout in memory is that of the device itself.
  @Test(arguments: ["attention", "delta-net", "lstm", "mamba-2"])
  func memoryIsWhatTrainingTakes(_ mixer: String) throws {
    let tiny = try TinyRun(grid(mixer: mixer))
    let configuration = tiny.plan.cells[0].configuration
    let counted = try #require(CellCounter(tiny.registries).cost(of: configuration)).memoryBytes
    let backend = try CPUBackend()
    let task = try tiny.registries.tasks.make(
      "mqar", settings: configuration.task.train[0].settings)
    func segment(_ examples: Int?) -> DataSegment { DataSegment(task: task, examples: examples) }
    let job = TrainingJob(
      model: configuration.model, training: configuration.training, seed: 0,
      vocabulary: task.vocabulary, maximumLength: task.maximumLength, metric: .tokenAccuracy,
      train: [segment(nil)], validation: [segment(64)], test: [segment(128)])
    let trainer = try Trainer(job, registry: tiny.registries.mixers, on: backend)
    _ = try trainer.run()
    let share = Double(counted) / Double(backend.pool.bytesHeld)
    #expect((0.9...1.1).contains(share), "\(share)")
  }

  @Test func workersShareTheCells() throws {
    let tiny = try TinyRun()
    let runner = tiny.runner()
    let workload = try runner.workload(tiny.plan, retryFailed: false)
    func estimate(_ jobs: Int) throws -> GridEstimate {
      GridEstimate(
        workload, tiny.registries, store: tiny.store, devices: .processor, jobs: jobs)
    }
    let measured = try estimate(1)
    #expect(measured.basis == "a few training steps on this machine")
    #expect(measured.cells.count == 2 && (measured.seconds ?? 0) > 0)
    #expect(measured.operations == measured.cells.values.reduce(0) { $0 + $1.cost.operations })
    #expect(try estimate(2).memoryBytes > measured.memoryBytes)

    // One cell is done: the other, of another mixer, must still be measured.
    _ = try tiny.run(jobs: 1)
    let again = try TinyRun(
      TinyRun.grid.replacing("product:", with: "product:\n  seed: [0, 1]"), folder: tiny.folder)
    let rest = try again.runner().workload(again.plan, retryFailed: false)
    let known = GridEstimate(
      rest, again.registries, store: again.store, devices: .processor, jobs: 1)
    #expect(rest.pending.count == 2 && known.basis == "the times of 2 finished cells")
    #expect(known.cells.values.allSatisfy { ($0.seconds ?? 0) > 0 })
  }
}
