import CPUBackend
package import CUDABackend
import Platform
package import Tensors

/// Where to compute, as `--device` says it.
public enum DeviceChoice: Sendable, Hashable {
  /// All GPUs that the process sees, or the processor where there are none.
  case automatic
  case cpu
  /// GPUs by their numbers.
  case gpus([Int])
  case allGPUs

  /// What `--device` takes, for help and errors.
  public static let forms = "auto, cpu, cuda, cuda:1, cuda:0,cuda:1, cuda:all"

  /// Reads a choice; `cuda` is the first GPU.
  ///
  /// - Throws: `DeviceError` that says what would be right.
  public init(_ text: String) throws(DeviceError) {
    switch text {
    case "auto": self = .automatic
    case "cpu": self = .cpu
    case "cuda:all": self = .allGPUs
    default: self = .gpus(try Self.gpus(text))
    }
  }

  private static func gpus(_ text: String) throws(DeviceError) -> [Int] {
    var ordinals: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ordinal = try gpu(String(part), of: text)
      guard !ordinals.contains(ordinal) else {
        throw DeviceError("device 'cuda:\(ordinal)' is named twice in '\(text)'", .malformed)
      }
      ordinals.append(ordinal)
    }
    return ordinals
  }

  private static func gpu(_ name: String, of text: String) throws(DeviceError) -> Int {
    if name == "cuda" { return 0 }
    if ["auto", "cpu", "cuda:all"].contains(name) {
      throw DeviceError("'\(name)' stands alone, not in a list such as '\(text)'", .malformed)
    }
    let number = name.hasPrefix("cuda:") ? name.dropFirst(5) : ""
    guard number.count <= 4, number.allSatisfy({ "0"..."9" ~= $0 }), let ordinal = Int(number)
    else {
      throw DeviceError("unknown device '\(name)'; there are: \(forms)", .malformed)
    }
    return ordinal
  }
}

/// A choice of devices that cannot be, in one line.
public struct DeviceError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// The text is no choice of devices.
    case malformed
    /// This machine does not have them.
    case unavailable
  }

  public let description: String
  public let kind: Kind

  init(_ description: String, _ kind: Kind) {
    self.description = description
    self.kind = kind
  }
}

/// The devices of this machine that a choice stands for, opened.
public struct ComputeDevices: Sendable {
  let gpus: [CUDADevice]
  private let cpuLevel: String?
  /// Why the processor was chosen automatically; nil where it was not.
  public let note: String?
  /// Whether the note tells of something to mend, a GPU that cannot be used; that there is no driver
  /// is how most machines are.
  public let isNoteUrgent: Bool

  /// Opens the devices of a choice.
  ///
  /// - Parameters:
  ///   - choice: Which.
  ///   - cpuLevel: The level of the processor's kernels; nil for the best.
  /// - Throws: `DeviceError` where one is not available.
  public init(_ choice: DeviceChoice, cpuLevel: String? = nil) throws(DeviceError) {
    try self.init(choice, cpuLevel: cpuLevel) { () throws(CUDAError) in try CUDALibraries() }
  }

  /// The same with libraries from elsewhere, which are opened only where they are needed, and kernels
  /// that are kept elsewhere, or nowhere.
  package init(
    _ choice: DeviceChoice, cpuLevel: String? = nil, cache: KernelCache? = .standard,
    libraries: () throws(CUDAError) -> CUDALibraries
  ) throws(DeviceError) {
    self.cpuLevel = cpuLevel
    do throws(CUDAError) {
      gpus = try Self.open(choice, cache, libraries)
      note = nil
      isNoteUrgent = false
    } catch {
      guard choice == .automatic else {
        throw DeviceError("\(error); there is always --device cpu", .unavailable)
      }
      gpus = []
      note = "computing on the processor: \(error)"
      isNoteUrgent = !error.isNoDriver
    }
  }

  private static func open(
    _ choice: DeviceChoice, _ cache: KernelCache?,
    _ libraries: () throws(CUDAError) -> CUDALibraries
  ) throws(CUDAError) -> [CUDADevice] {
    guard choice != .cpu else { return [] }
    let libraries = try libraries()
    let count = try CUDADevice.count(libraries)
    guard count > 0 else { throw CUDAError("no GPU is visible to the NVIDIA driver") }
    var ordinals = Array(0..<count)
    if case .gpus(let chosen) = choice { ordinals = chosen }
    var devices: [CUDADevice] = []
    for ordinal in ordinals {
      devices.append(try CUDADevice(ordinal, libraries: libraries, cache: cache))
    }
    return devices
  }

  /// The processor, with its best kernels.
  package static var processor: ComputeDevices { ComputeDevices(cpuLevel: nil) }

  private init(cpuLevel: String?) {
    self.cpuLevel = cpuLevel
    gpus = []
    note = nil
    isNoteUrgent = false
  }

  public var usesGPU: Bool { !gpus.isEmpty }

  /// Cells side by side that keep the devices busy: one per core, or several streams on each GPU,
  /// which a small model alone leaves idle between its kernels.
  public var suitableJobs: Int {
    usesGPU ? min(gpus.count * Self.jobsPerGPU, max(gpus.count, Machine.cores)) : Machine.cores
  }

  private static let jobsPerGPU = 8

  /// The CPU levels that this machine has, best first.
  public static var cpuLevels: [String] { CPUBackend.availableLevels }

  /// The devices' names: "cpu", or "cuda:0" and so on.
  public var names: [String] {
    gpus.isEmpty ? ["cpu"] : gpus.map { "cuda:\($0.ordinal)" }
  }

  /// Makes a backend, to be used on the calling thread.
  ///
  /// - Parameters:
  ///   - worker: The number of the worker that wants it; the devices take turns.
  ///   - poison: Fill memory with NaN before it is used.
  /// - Returns: A backend with memory and a stream of its own.
  /// - Throws: `CUDAError` or `UnavailableLevel`.
  package func makeBackend(_ worker: Int = 0, poison: Bool = false) throws -> any Backend {
    guard !gpus.isEmpty else { return try CPUBackend(level: cpuLevel, poison: poison) }
    return try CUDABackend(gpus[worker % gpus.count], poison: poison)
  }

  /// What broke the GPU of a worker, after its name; nil while it works.
  func breakage(_ worker: Int) -> String? {
    guard !gpus.isEmpty else { return nil }
    let gpu = gpus[worker % gpus.count]
    return gpu.broken.map { "cuda:\(gpu.ordinal) works no more (\($0))" }
  }

  /// Says that the GPU of a worker is broken; returns whether nobody has said so before.
  func noteBreakage(_ worker: Int, _ error: CUDAError) -> Bool {
    !gpus.isEmpty && gpus[worker % gpus.count].noteBreakage(error)
  }

  /// What must be the same for equal steps to give equal bits.
  func machineType(_ worker: Int, _ backend: any Backend) -> String {
    gpus.isEmpty ? "cpu \(backend.name)" : "cuda \(gpus[worker % gpus.count].name)"
  }
}
