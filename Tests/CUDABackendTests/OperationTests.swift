import Autograd
import CUDABackend
import Tensors
import Testing

/// Every operation's kernels are in their files and get parameters of the types that they declare.
@Suite struct OperationTests {
  /// What is wrong with a launch; a parameter of another type shows in its value.
  static func faults(_ launch: Launch, _ machine: FakeMachine) -> [String] {
    var faults: [String] = []
    if launch.block > 1024 || launch.shared > 227 << 10 {
      faults.append("\(launch.block) threads, \(launch.shared) bytes of shared memory")
    }
    for (index, parameter) in launch.parameters.enumerated() {
      let isRight =
        switch parameter {
        case .pointer(let address):
          address == 0 || (address % 4 == 0 && machine.isDeviceMemory(address))
        case .long(let value):
          abs(value) < 1 << 40 && !machine.isDeviceMemory(UInt64(bitPattern: Int64(value)))
        // Whole numbers that are floats in truth are large, floats that are whole numbers tiny.
        case .int(let value): value.magnitude < 1 << 29
        case .float(let value): value == 0 || (1e-20...1e20).contains(abs(value))
        case .other: false
        }
      if !isRight { faults.append("parameter \(index) is \(parameter)") }
    }
    return faults
  }

  /// Forward and backward pass of a case; what they compute is nothing.
  private static func run(_ entry: OpCase, on backend: CUDABackend) {
    let tape = Tape(backend)
    let variables = entry.inputs.map {
      Variable(backend.empty($0.shape), on: tape, needsGradient: $0.differentiable)
    }
    let outputs = entry.run(tape, variables)
    tape.backward(
      from: outputs.filter(\.needsGradient).map { ($0, backend.zeros($0.shape)) })
  }

  /// A program without its constants' values.
  private static func signature(_ program: KernelProgram) -> [String] {
    [program.file] + program.constants.map(\.name)
  }

  private static let listed = Set(KernelCatalog.programs.map(signature))

  private static let operations: [String] = Set(
    (OpCatalog.all + OpCatalog.timings).map(\.op)
  ).sorted()

  @Test(arguments: operations) func parametersAreOfTheirTypes(_ op: String) throws {
    try withMachine(memory: 1 << 42) { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      for entry in OpCatalog.all + OpCatalog.timings where entry.op == op {
        let before = machine.launches.count
        Self.run(entry, on: backend)
        #expect(backend.failure == nil, "\(entry): \(String(describing: backend.failure))")
        for launch in machine.launches.dropFirst(before) {
          let faults = Self.faults(launch, machine)
          #expect(faults.isEmpty, "\(entry): \(launch.name): \(faults)")
        }
      }
      // What the catalogue lists is compiled where there is no GPU; it must be what is asked for.
      for program in backend.device.loadedPrograms {
        let signature = Self.signature(program)
        #expect(
          Self.listed.contains(signature), "no line of KernelCatalog is like \(program.title)")
      }
    }
  }
}
