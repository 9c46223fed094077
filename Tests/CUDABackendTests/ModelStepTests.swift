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

  /// Trains and evaluates a model on batches of several lengths in turn.
  private static func train(
    _ mixer: String, _ settings: [String: SettingValue], _ model: [String: SettingValue],
    lengths: [Int] = [16, 24], batch: Int = 32, on machine: FakeMachine
  ) throws {
    machine.stopWorking()
    let backend = try machine.backend()
    let segments = try lengths.map(Self.recall)
    let job = TrainingJob(
      model: try ModelConfiguration(
        mixers: [try registries.mixers.resolved(mixer, settings)], model),
      training: try TrainingConfiguration(["batch": .integer(batch)]), seed: 0,
      vocabulary: segments[0].task.vocabulary, maximumLength: lengths.max() ?? 0,
      metric: .tokenAccuracy, train: segments, validation: [], test: [])
    let stepper = try Stepper(job, registry: registries.mixers, on: backend)
    let evaluator = Evaluator(
      stepper.model, on: stepper.tape, segments: segments, split: .validation, seed: 0)
    for segment in segments + segments {
      var maker = BatchMaker(try DataPlan([segment], batch: batch, seed: 0), seed: 0)
      for _ in 0..<2 { stepper.step(maker.next()) }
      _ = evaluator.evaluate()
    }
    backend.synchronize()
    #expect(backend.failure == nil)
    #expect(machine.calls("cuGraphInstantiateWithFlags") >= lengths.count)
    let misfit = machine.launches.first { $0.misfit(on: machine) != nil }
    #expect(misfit == nil, "\(misfit?.name ?? "")")
  }

  /// Kernels are launched as their text says, and nothing of a step is kept in memory that the steps of
  /// other shapes write to.
  @Test(arguments: mixers) func stepsOfManyShapesShareTheirMemory(mixer: String) throws {
    try withMachine(memory: 1 << 36) { machine in
      try Self.train(mixer, [:], ["channelMixer": .text("mlp")], on: machine)
    }
  }

  /// Also where blocks share less memory than on the GPUs that the kernels were made on.
  @Test(arguments: mixers) func smallGPUsTrainAllMixers(mixer: String) throws {
    try withMachine(memory: 1 << 36) { machine in
      machine.becomeSmall()
      try Self.train(
        mixer, [:], ["width": .integer(128), "channelMixer": .text("swiglu")], on: machine)
    }
  }
}
