import Autograd
import CPUBackend
package import Tensors

/// Whether an operation is right on this machine.
public struct KernelVerdict: Sendable, Codable {
  public var op: String
  /// The device: a CPU level, or "cuda:0".
  public var level: String
  public var cases: Int
  public var passed: Bool
  /// The error nearest to what is allowed, or farthest beyond it.
  ///
  /// It is relative to the reference's root mean square. Errors that are not finite, such as those
  /// of NaN, are left out here; they are faults.
  public var largestError: Double
  /// What is allowed there.
  public var tolerance: Double
  /// The first fault.
  public var fault: String?
}

/// Checks the operations against their references.
public enum KernelCheck {
  /// A verdict for every operation that is wanted, on one CPU level.
  ///
  /// - Throws: `UnavailableLevel` where the machine does not have the level.
  public static func verdicts(
    level: String, of isWanted: (String) -> Bool = { _ in true }
  ) throws -> [KernelVerdict] {
    try operations.filter(isWanted).map { op in
      try verdict(of: op, on: level) { try CPUBackend(level: level, poison: true) }
    }
  }

  /// A verdict for every operation that is wanted, on a choice's devices; `watch` sees each as it
  /// is made.
  ///
  /// - Throws: `CUDAError` where a device is not ready.
  public static func verdicts(
    devices: ComputeDevices, of isWanted: (String) -> Bool = { _ in true },
    watch: (KernelVerdict) -> Void
  ) throws -> [KernelVerdict] {
    var verdicts: [KernelVerdict] = []
    for (worker, name) in devices.names.enumerated() {
      for op in operations.filter(isWanted) {
        let backend = try devices.makeBackend(worker, poison: true)
        let verdict = verdict(of: op, on: name) { backend }
        watch(verdict)
        verdicts.append(verdict)
      }
    }
    return verdicts
  }

  /// What there is to check, in the catalogue's order.
  public static var operations: [String] {
    var names: [String] = []
    for entry in OpCatalog.all where !names.contains(entry.op) { names.append(entry.op) }
    return names
  }

  /// Checks the cases of an operation, each on the backend that it is given, up to the first fault.
  package static func verdict(
    of op: String, on device: String, backend: () throws -> any Backend
  ) rethrows -> KernelVerdict {
    let cases = OpCatalog.all.filter { $0.op == op && $0.reference != nil }
    var verdict = KernelVerdict(
      op: op, level: device, cases: cases.count, passed: true, largestError: 0, tolerance: 0)
    for entry in cases where verdict.passed {
      let backend = try backend()
      for finding in entry.check(on: backend) { verdict.add(finding, of: entry) }
      if let failure = backend.failure {
        verdict.passed = false
        verdict.fault = "\(entry): \(failure)"
      }
    }
    return verdict
  }
}

extension KernelVerdict {
  fileprivate mutating func add(_ finding: OpFinding, of entry: OpCase) {
    if !finding.passed, passed {
      passed = false
      fault = "\(entry): \(finding)"
    }
    guard finding.error.isFinite, finding.tolerance > 0 else { return }
    if tolerance == 0 || finding.error / finding.tolerance > largestError / tolerance {
      (largestError, tolerance) = (finding.error, finding.tolerance)
    }
  }
}
