import Autograd
import CPUBackend
import Platform
import Tensors

/// The speed of one case of an operation.
public struct OpTiming: Sendable, Codable {
  public var op: String
  public var variant: String
  public var forwardMilliseconds: Double
  /// Forward and backward.
  public var trainMilliseconds: Double
  /// Of the forward pass; nil for operations that are bound by memory.
  public var gigaflops: Double?
  public var fractionOfPeak: Double?
}

/// Measures the operations against the machine's ceiling; a wrong operation is not measured.
public struct OpBench {
  private let backend: CPUBackend
  /// Floating-point operations per second of multiply-adds in registers, one core.
  public let peak: Double

  /// Makes a bench and measures the ceiling.
  ///
  /// - Throws: `UnavailableLevel` where the machine does not have the level.
  public init(level: String? = nil) throws {
    let backend = try CPUBackend(level: level)
    self.backend = backend
    var operations = 0.0
    let timing = Timing.measure(seconds: 0.3) {
      operations = backend.multiplyAddInRegisters(rounds: 200_000)
    }
    peak = operations / timing.best
  }

  public var device: String { backend.name }

  /// The names of the operations that have timings.
  public static var operations: [String] {
    var names: [String] = []
    for timing in OpCatalog.timings where !names.contains(timing.op) { names.append(timing.op) }
    return names
  }

  /// What is wrong with an operation, checked before it is measured; empty where nothing is.
  public func faults(of op: String) -> [String] {
    OpCatalog.all.filter { $0.op == op }.flatMap { entry in
      entry.check(on: backend, samples: 4).filter { !$0.passed }.map { "\(entry): \($0)" }
    }
  }

  /// Times all cases of an operation.
  public func measure(_ op: String, seconds: Double) -> [OpTiming] {
    OpCatalog.timings.filter { $0.op == op }.map { measure($0, seconds: seconds) }
  }

  private func measure(_ entry: OpCase, seconds: Double) -> OpTiming {
    let values = entry.inputs.enumerated().map {
      backend.tensor($1.elements(seed: UInt64($0 + 1)), $1.shape)
    }
    let silent = Tape(backend, recording: false)
    let constants = values.map { Variable($0, on: silent) }
    let forward = Timing.measure(seconds: seconds) { _ = entry.run(silent, constants) }
    let train = Timing.measure(seconds: seconds) {
      let tape = Tape(backend)
      let variables = zip(entry.inputs, values).map {
        Variable($1, on: tape, needsGradient: $0.differentiable)
      }
      let outputs = entry.run(tape, variables)
      tape.backward(
        from: outputs.filter(\.needsGradient).map { ($0, $0.value) })
    }
    let rate = entry.flops > 0 ? entry.flops / forward.best : nil
    return OpTiming(
      op: entry.op, variant: entry.variant, forwardMilliseconds: forward.best * 1e3,
      trainMilliseconds: train.best * 1e3, gigaflops: rate.map { $0 / 1e9 },
      fractionOfPeak: rate.map { $0 / peak })
  }
}
