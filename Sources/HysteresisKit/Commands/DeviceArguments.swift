import ArgumentParser
import Harness

/// Where a command computes.
struct DeviceArguments: ParsableArguments {
  @Option(help: "Where to compute: \(DeviceChoice.forms).", completion: Completions.devices)
  var device = "auto"
  @Option(
    help: "The CPU level of the kernels: baseline, x86-64-v3, x86-64-v4 or neon.",
    completion: Completions.levels)
  var cpu: String?

  /// Opens the devices.
  ///
  /// - Throws: `CommandFailure` for a name that is none, or a device that is not there.
  func open() throws -> ComputeDevices {
    return try Devices.open(try Devices.choice(device), cpuLevel: cpu)
  }
}

/// The `--device` option.
enum Devices {
  static func choice(_ text: String) throws -> DeviceChoice {
    try refusing { () throws(DeviceError) in try DeviceChoice(text) }
  }

  /// Opens the devices that the option names, and says where `auto` found a GPU that it cannot use.
  static func open(_ choice: DeviceChoice, cpuLevel: String?) throws -> ComputeDevices {
    try CPULevel.check(cpuLevel)
    let devices = try refusing { () throws(DeviceError) in
      try ComputeDevices(choice, cpuLevel: cpuLevel)
    }
    if let note = devices.note, devices.isNoteUrgent { Console.talk(note) }
    return devices
  }

  private static func refusing<Result>(
    _ body: () throws(DeviceError) -> Result
  ) throws -> Result {
    do throws(DeviceError) {
      return try body()
    } catch {
      let status = error.kind == .malformed ? ExitStatus.usage : ExitStatus.unavailable
      throw CommandFailure(error.description, status: status)
    }
  }
}
