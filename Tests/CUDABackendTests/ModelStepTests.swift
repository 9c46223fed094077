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

  private static func recall(length: Int, examples: Int) throws -> DataSegment {
    let task = try registries.tasks.make(
      "mqar", settings: ["length": .integer(length), "pairs": .integer(2)])
    return DataSegment(task: task, examples: examples)
  }

  private static func parity(length: Int, examples: Int) throws -> DataSegment {
    let task = try registries.tasks.make(
      "parity", settings: ["length": .integer(length), "mode": .text("running")])
    return DataSegment(task: task, examples: examples)
  }

  /// Trains and evaluates a model on batches of several lengths in turn.
  private static func train(
    _ mixer: String, _ settings: [String: SettingValue], _ model: [String: SettingValue],
    on segments: [DataSegment], batch: Int = 32, _ machine: FakeMachine
  ) throws {
    machine.stopWorking()
    let backend = try machine.backend()
    let job = TrainingJob(
      model: try ModelConfiguration(
        mixers: [try registries.mixers.resolved(mixer, settings)], model),
      training: try TrainingConfiguration(["batch": .integer(batch)]), seed: 0,
      vocabulary: segments[0].task.vocabulary,
      maximumLength: segments.map(\.task.maximumLength).max() ?? 0,
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
    #expect(machine.calls("cuGraphInstantiateWithFlags") >= segments.count)
    for launch in machine.launches {
      let faults = OperationTests.faults(launch, machine)
      #expect(faults.isEmpty, "\(launch.name): \(faults)")
    }
  }

  /// Kernels are launched as their text says, and nothing of a step is kept in memory that the steps of
  /// other shapes write to.
  @Test(arguments: mixers) func stepsOfManyShapesShareTheirMemory(mixer: String) throws {
    try withMachine(memory: 1 << 36) { machine in
      let segments = try [16, 24].map { try Self.recall(length: $0, examples: 64) }
      try Self.train(mixer, [:], ["channelMixer": .text("mlp")], on: segments, machine)
    }
  }

  /// A model with settings that few choose, as "mixer setting=value …; model's setting=value …".
  private static func odd(_ text: String) throws -> (
    mixer: String, settings: [String: SettingValue], model: [String: SettingValue]
  ) {
    func values(_ words: some Sequence<Substring>) -> [String: SettingValue] {
      var values: [String: SettingValue] = [:]
      for word in words {
        let parts = word.split(separator: "=").map(String.init)
        values[parts[0]] =
          Int(parts[1]).map(SettingValue.integer) ?? Double(parts[1]).map(SettingValue.number)
          ?? Bool(parts[1]).map(SettingValue.flag) ?? .text(parts[1])
      }
      return values
    }
    let halves = text.split(separator: ";").map { $0.split(separator: " ") }
    return (
      String(halves[0][0]), values(halves[0].dropFirst()), values(halves.dropFirst().joined())
    )
  }

  private static let oddModels = [
    "attention heads=5; width=20 norm=layer positions=learned channelMixer=mlp channelRatio=3",
    "attention heads=4 keyHeads=2 queryKeyNorm=true convolution=8; positions=rotary",
    "sliding-window window=1 heads=12; width=36",
    "base-conv kernel=8; width=100", "base-conv kernel=1; width=4",
    "linear-attention heads=1; width=192", "based featureDim=1; width=20",
    "retention valueExpansion=8 heads=1; width=128",
    "gated-linear-attention keyExpansion=4.0 rank=1 heads=1; width=128",
    "gated-delta-net valueExpansion=2 gate=false", "gated-delta-net heads=1; width=256",
    "delta-net heads=1 gate=true; width=96", "mlstm blockSize=3 heads=6; width=36",
    "mamba stateSize=3 expansion=1 stepRank=7; width=20", "mamba stateSize=256; width=128",
    "mamba-2 stateSize=3 headDim=128", "lstm heads=12; width=36", "slstm heads=1; width=256",
    "gru; width=300",
  ]

  /// Sizes that no kernel was made for, batches of a few sequences, short ones and long ones.
  @Test(arguments: oddModels, [false, true])
  func oddModelsHaveTheirKernels(text: String, onSmallGPU: Bool) throws {
    try withMachine(memory: 1 << 36) { machine in
      if onSmallGPU { machine.becomeSmall() }
      let batch = 3
      let segments = try [2, 33, 130].map { try Self.parity(length: $0, examples: 2 * batch) }
      var (mixer, settings, model) = try Self.odd(text)
      model["layers"] = .integer(1)
      try Self.train(mixer, settings, model, on: segments, batch: batch, machine)
    }
  }

  /// Also where blocks share less memory than on the GPUs that the kernels were made on.
  @Test(arguments: mixers) func smallGPUsTrainAllMixers(mixer: String) throws {
    try withMachine(memory: 1 << 36) { machine in
      machine.becomeSmall()
      let segments = try [16, 24].map { try Self.recall(length: $0, examples: 64) }
      try Self.train(
        mixer, [:], ["width": .integer(128), "channelMixer": .text("swiglu")], on: segments, machine
      )
    }
  }
}
