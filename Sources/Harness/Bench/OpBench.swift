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
  /// Of the forward pass, with every input read and every output written once.
  public var gigabytesPerSecond: Double
  /// Of what a pass over large tensors reaches; above 1 where tensors stay in a cache.
  public var fractionOfBandwidth: Double
}

/// Measures the operations against the machine's ceiling; a wrong operation is not measured.
public struct OpBench {
  private let backend: any Backend
  /// Floating-point operations per second that the device can reach: multiply-adds in registers on
  /// one core of the processor, a large matrix product on a GPU.
  public var peak: Double { ceilings.operations }
  /// Bytes per second that a pass over large tensors reads and writes.
  public var bandwidth: Double { ceilings.bandwidth }
  private let ceilings: DeviceCeilings

  /// Makes a bench for the processor and measures its ceiling.
  ///
  /// - Throws: `UnavailableLevel` where the machine does not have the level.
  public init(level: String? = nil) throws {
    let backend = try CPUBackend(level: level)
    self.backend = backend
    ceilings = DeviceCeilings(of: backend)
  }

  /// Makes a bench for the first of some devices and measures its ceiling.
  ///
  /// - Throws: `CUDAError` or `UnavailableLevel` where it is not ready.
  public init(_ devices: ComputeDevices) throws {
    let backend = try devices.makeBackend()
    self.backend = backend
    ceilings = DeviceCeilings(of: backend)
  }

  public var device: String { backend.name }

  /// What went wrong on the device; what was measured then means nothing.
  public var failure: (any Error)? { backend.failure }

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
    let outputs = entry.run(silent, constants)
    let elements = (values + outputs.map(\.value)).reduce(0) { $0 + $1.count }
    let forward = Timing.measureRecorded(seconds: seconds, on: backend) {
      _ = entry.run(silent, constants)
    }
    let train = Timing.measureRecorded(seconds: seconds, on: backend) {
      let tape = Tape(backend)
      let variables = zip(entry.inputs, values).map {
        Variable($1, on: tape, needsGradient: $0.differentiable)
      }
      let outputs = entry.run(tape, variables)
      tape.backward(
        from: outputs.filter(\.needsGradient).map { ($0, $0.value) })
    }
    let speed = 4 * Double(elements) / forward.best
    let rate = entry.flops > 0 ? entry.flops / forward.best : nil
    return OpTiming(
      op: entry.op, variant: entry.variant, forwardMilliseconds: forward.best * 1e3,
      trainMilliseconds: train.best * 1e3, gigaflops: rate.map { $0 / 1e9 },
      fractionOfPeak: rate.map { $0 / peak }, gigabytesPerSecond: speed / 1e9,
      fractionOfBandwidth: speed / bandwidth)
  }
}
