import Architectures
import CUDABackend
import Configuration
import Harness
import TaskGenerators
import Tensors
import Testing
import Training

/// A training on a device that fails.
@Suite struct TrainerTests {
  private static let registries = Registries()

  private static func trainer(_ machine: FakeMachine) throws -> (Trainer, CUDABackend) {
    let backend = try machine.backend()
    let task = try registries.tasks.make(
      "mqar",
      settings: ["length": .integer(16), "pairs": .integer(2), "vocabulary": .integer(32)])
    let segment = DataSegment(task: task, examples: 32)
    let job = TrainingJob(
      model: try ModelConfiguration(
        mixers: [try registries.mixers.resolved("attention", [:])],
        ["width": .integer(16), "layers": .integer(1)]),
      training: try TrainingConfiguration(
        ["batch": .integer(16), "steps": .integer(4), "evaluateEvery": .integer(2)]), seed: 0,
      vocabulary: task.vocabulary, maximumLength: 16, metric: .tokenAccuracy, train: [segment],
      validation: [segment], test: [segment])
    return (try Trainer(job, registry: registries.mixers, on: backend), backend)
  }

  /// A copy of parameters that did not arrive is no model.
  @Test func parametersThatDidNotArriveAreAFailure() throws {
    try withMachine { machine in
      let (trainer, backend) = try Self.trainer(machine)
      let outcome = try trainer.run()
      #expect(outcome.status == .finished && backend.failure == nil)
      #expect(try trainer.parameters.allSatisfy { $0.elements.allSatisfy(\.isFinite) })
      let copies = "cuMemcpyDtoHAsync_v2"
      machine.fail(copies, call: machine.calls(copies) + 1, status: 700)
      #expect(throws: CUDAError.self) { try trainer.parameters }
    }
  }

  /// Whatever call fails, the training ends with that and has no outcome.
  @Test(arguments: [
    "cuMemcpyDtoHAsync_v2", "cuLaunchKernelEx", "cuGraphLaunch", "cuMemcpyHtoDAsync_v2",
  ])
  func afterAFailureThereIsNoOutcome(symbol: String) throws {
    var calls = 0
    try withMachine { machine in
      let (trainer, _) = try Self.trainer(machine)
      let before = machine.calls(symbol)
      _ = try trainer.run()
      calls = machine.calls(symbol) - before
    }
    try #require(calls > 2)
    for call in Set([1, 2, calls / 2, calls - 1, calls]) {
      try withMachine { machine in
        let (trainer, _) = try Self.trainer(machine)
        machine.fail(symbol, call: machine.calls(symbol) + call, status: 719)
        #expect(throws: CUDAError.self, "call \(call) of \(calls)") { try trainer.run() }
      }
    }
  }
}
