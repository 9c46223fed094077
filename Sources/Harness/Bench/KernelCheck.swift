import Autograd
import CPUBackend

/// Whether an operation is right on this machine.
public struct KernelVerdict: Sendable, Codable {
  public var op: String
  public var level: String
  public var cases: Int
  public var passed: Bool
  /// The first fault.
  public var fault: String?
}

/// Checks the operations against their references.
public enum KernelCheck {
  /// A verdict for every operation, on one CPU level.
  ///
  /// - Throws: `UnavailableLevel` where the machine does not have the level.
  public static func verdicts(level: String) throws -> [KernelVerdict] {
    var names: [String] = []
    for entry in OpCatalog.all where !names.contains(entry.op) { names.append(entry.op) }
    return try names.map { name in
      let cases = OpCatalog.all.filter { $0.op == name && $0.reference != nil }
      var fault: String?
      for entry in cases where fault == nil {
        let backend = try CPUBackend(level: level, poison: true)
        fault = entry.check(on: backend).first { !$0.passed }.map { "\(entry): \($0)" }
      }
      return KernelVerdict(
        op: name, level: level, cases: cases.count, passed: fault == nil, fault: fault)
    }
  }
}
