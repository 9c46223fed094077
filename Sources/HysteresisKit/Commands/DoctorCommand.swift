import ArgumentParser
import Harness
import Platform

/// What this machine has, and whether its kernels are right.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Show what this machine has and check every kernel.",
    discussion: """
      Every operation runs on odd shapes over poisoned memory and is compared with a reference in \
      double precision: values, and gradients against finite differences.

      EXAMPLES:
        hysteresis doctor
        hysteresis doctor --format json
      """)

  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  private struct Answer: Encodable {
    let program: String
    let processor: String
    let cores: Int
    let memoryBytes: Int
    let cpuLevels: [String]
    let kernels: [KernelVerdict]
    let healthy: Bool
  }

  func run() throws {
    let levels = GridRunner.cpuLevels
    var verdicts: [KernelVerdict] = []
    if format == .text {
      Console.output("hysteresis \(ProgramVersion.text)")
      Console.output(
        "\(Machine.processor), \(Machine.cores) cores, \(Machine.memory >> 20) MiB of memory")
      Console.output("CPU levels: " + levels.joined(separator: ", ") + " (the first is used)")
    }
    for level in levels {
      for verdict in try KernelCheck.verdicts(level: level) {
        if format == .text { Console.output(line(verdict)) }
        verdicts.append(verdict)
      }
    }
    let healthy = verdicts.allSatisfy(\.passed)
    if format == .json {
      Console.json(
        Answer(
          program: ProgramVersion.text, processor: Machine.processor, cores: Machine.cores,
          memoryBytes: Machine.memory, cpuLevels: levels, kernels: verdicts, healthy: healthy))
    }
    guard healthy else {
      throw CommandFailure("some kernels are wrong on this machine", status: ExitStatus.failure)
    }
    if format == .text { Console.output("all kernels are right") }
  }

  private func line(_ verdict: KernelVerdict) -> String {
    let name = "\(verdict.level) \(verdict.op)"
    let padding = String(repeating: " ", count: max(1, 36 - name.count))
    return "  " + (verdict.passed ? "pass" : "FAIL") + "  " + name + padding
      + "\(verdict.cases) cases" + (verdict.fault.map { "  " + $0 } ?? "")
  }
}
