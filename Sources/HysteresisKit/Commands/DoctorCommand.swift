import ArgumentParser
import Harness
import Platform

/// What this machine has, and whether its kernels are right.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Show what this machine has and check every kernel.",
    discussion: """
      Every operation runs on odd shapes over poisoned memory and is compared with a reference in \
      double precision: values, and gradients against finite differences. Errors are relative to \
      the root mean square. On GPUs, matrix products round their factors to 11 bits (TF32 or \
      16-bit floats), and what holds products is allowed a few such roundings more. There, whole \
      models are checked too: after some training on the processor, the gradients of a batch on both.

      EXAMPLES:
        hysteresis doctor
        hysteresis doctor --device cuda:0
        hysteresis doctor --device cuda:0 --only attention --only 'model lstm'
        hysteresis doctor --device cpu --format json
        hysteresis doctor --kernels sm_80,sm_90
        hysteresis doctor --tasks

      EXIT STATUS:
        0    all kernels, or tasks, are right
        1    some are wrong, or do not compile
        69   this machine has no such device
      """)

  @Option(
    help: "What to check: \(DeviceChoice.forms); auto is all that the machine has.",
    completion: Completions.devices)
  var device = "auto"
  @Option(
    help: """
      Only check operations and models whose names contain this; may be repeated. Models' names \
      begin with 'model'.
      """)
  var only: [String] = []
  @Option(
    help: "Only compile all GPU kernels for these architectures (sm_90,sm_80); needs no GPU.")
  var kernels: String?
  @Flag(
    help: """
      Only check the tasks: the solver and the guess of each on 10,000 examples over many settings.
      """)
  var tasks = false
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  private struct Answer: Encodable {
    let program: String
    let processor: String
    let cores: Int
    let memoryBytes: Int
    let cpuLevels: [String]
    let gpus: [GPUFacts]
    let kernels: [KernelVerdict]
    let healthy: Bool
  }

  func validate() throws {
    guard kernels == nil || !tasks else {
      throw ValidationError("--kernels and --tasks do not go together")
    }
    guard only.isEmpty || (kernels == nil && !tasks) else {
      throw ValidationError("--only goes neither with --kernels nor with --tasks")
    }
  }

  func run() throws {
    if tasks { return try TaskChecking().run(format) }
    if let kernels { return try KernelCompilation(architectures: kernels).run(format) }
    let choice = try Devices.choice(device)
    try checkSelection(choice)
    let devices = try Devices.open(choice, cpuLevel: nil)
    let gpus = try GPUFacts.all(of: devices)
    let levels = ComputeDevices.cpuLevels
    if format == .text { describe(gpus, levels) }
    var verdicts: [KernelVerdict] = []
    let note = { (verdict: KernelVerdict) in
      if format == .text { Console.output(line(verdict)) }
      verdicts.append(verdict)
    }
    if choice == .automatic || choice == .cpu {
      for level in levels { try KernelCheck.verdicts(level: level, of: isWanted).forEach(note) }
    }
    if devices.usesGPU {
      _ = try KernelCheck.verdicts(devices: devices, of: isWanted, watch: note)
      try ModelCheck(Hysteresis.registries).verdicts(
        devices: devices, of: isWanted, watch: note)
    }
    let healthy = verdicts.allSatisfy(\.passed)
    if format == .json {
      Console.json(
        Answer(
          program: ProgramVersion.text, processor: Machine.processor, cores: Machine.cores,
          memoryBytes: Machine.memory, cpuLevels: levels, gpus: gpus, kernels: verdicts,
          healthy: healthy))
    }
    guard healthy else {
      throw CommandFailure("some kernels are wrong on this machine", status: ExitStatus.failure)
    }
    if format == .text {
      Console.output(only.isEmpty ? "all kernels are right" : "what was checked is right")
    }
  }

  private func isWanted(_ name: String) -> Bool {
    only.isEmpty || only.contains { name.contains($0) }
  }

  /// Each text of the selection must name something that would be checked.
  private func checkSelection(_ choice: DeviceChoice) throws {
    var names = KernelCheck.operations
    if choice != .cpu { names += ModelCheck(Hysteresis.registries).names }
    for text in only where !names.contains(where: { $0.contains(text) }) {
      throw CommandFailure(
        "no check has '\(text)' in its name; there are: " + names.joined(separator: ", "),
        status: ExitStatus.data)
    }
  }

  private func describe(_ gpus: [GPUFacts], _ levels: [String]) {
    Console.output("hysteresis \(ProgramVersion.text)")
    Console.output(
      "\(Machine.processor), \(Machine.cores) cores, \(Machine.memory >> 20) MiB of memory")
    Console.output("CPU levels: " + levels.joined(separator: ", ") + " (the first is used)")
    for gpu in gpus { for line in gpu.lines { Console.output(line) } }
  }

  private func line(_ verdict: KernelVerdict) -> String {
    let name = "\(verdict.level) \(verdict.op)"
    let cases = "\(verdict.cases) cases"
    let error = Scientific.text(verdict.largestError)
    let allowed = Scientific.text(verdict.tolerance)
    return "  " + (verdict.passed ? "pass" : "FAIL") + "  " + padded(name, 30) + padded(cases, 10)
      + "error \(error) of \(allowed)" + (verdict.fault.map { "  " + $0 } ?? "")
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
