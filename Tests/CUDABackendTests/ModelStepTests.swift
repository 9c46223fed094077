import Architectures
import CUDABackend
import Configuration
import FakeCUDA
import Harness
import TaskGenerators
import Tensors
import Testing
import Training

/// Steps of whole models, which are recorded for each shape of a batch.
@Suite struct ModelStepTests {
  private static let registries = Registries()
  private static let mixers = registries.mixers.all.map { $0.info.name }

  private static func recall(length: Int) throws -> DataSegment {
    let task = try registries.tasks.make(
      "mqar", settings: ["length": .integer(length), "pairs": .integer(2)])
    return DataSegment(task: task, examples: 64)
  }

  /// Kernels are launched as their text says, and nothing of a step is kept in memory that the steps of
  /// other shapes write to.
  @Test(arguments: mixers) func stepsOfManyShapesShareTheirMemory(mixer: String) throws {
    try withMachine(memory: 1 << 36) { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let segments = [try Self.recall(length: 16), try Self.recall(length: 24)]
      let model = try ModelConfiguration(
        mixers: [try Self.registries.mixers.resolved(mixer, [:])], ["channelMixer": .text("mlp")])
      let training = try TrainingConfiguration(["batch": .integer(32)])
      let job = TrainingJob(
        model: model, training: training, seed: 0, vocabulary: segments[0].task.vocabulary,
        maximumLength: 24, metric: .tokenAccuracy, train: segments, validation: [], test: [])
      let stepper = try Stepper(job, registry: Self.registries.mixers, on: backend)
      let evaluator = Evaluator(
        stepper.model, on: stepper.tape, segments: segments, split: .validation, seed: 0)
      for segment in segments + segments {
        var maker = BatchMaker(try DataPlan([segment], batch: 32, seed: 0), seed: 0)
        for _ in 0..<2 { stepper.step(maker.next()) }
        _ = evaluator.evaluate()
      }
      backend.synchronize()
      #expect(backend.failure == nil)
      #expect(machine.calls("cuGraphInstantiateWithFlags") >= 2)
    }
  }
}
