#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The machine and the process that the program runs in.
package enum Machine {
  package static var processIdentifier: Int { Int(getpid()) }

  package static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The path of the running program's file, or the name by which shells find it.
  package static var executablePath: String {
    #if !canImport(Darwin)
      var path = [CChar](repeating: 0, count: 4097)
      if readlink("/proc/self/exe", &path, path.count - 1) > 0 {
        return String(
          decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
    #endif
    let called = CommandLine.arguments.first ?? ""
    return called.contains("/") ? Files.absolute(called) : called
  }

  /// The processor cores that this process may use.
  package static var cores: Int {
    #if !canImport(Darwin)
      if let bytes = try? Files.read("/proc/self/status"),
        let count = cores(inStatusFile: String(decoding: bytes, as: UTF8.self))
      {
        return count
      }
    #endif
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// The cores in the affinity mask of Linux's `/proc/self/status`.
  package static func cores(inStatusFile text: String) -> Int? {
    guard let mask = field(["Cpus_allowed"], in: text) else { return nil }
    let count = mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
    return count > 0 ? count : nil
  }

  /// The processor's name as its maker writes it, or "unknown".
  package static var processor: String {
    #if canImport(Darwin)
      var name = [UInt8](repeating: 0, count: 256)
      var size = name.count - 1
      guard sysctlbyname("machdep.cpu.brand_string", &name, &size, nil, 0) == 0 else {
        return "unknown"
      }
      return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    #else
      guard let bytes = try? Files.read("/proc/cpuinfo") else { return "unknown" }
      return processor(inProcessorFile: String(decoding: bytes, as: UTF8.self))
    #endif
  }

  /// The name in the text of Linux's `/proc/cpuinfo`; most ARM kernels give none.
  package static func processor(inProcessorFile text: String) -> String {
    field(["model name", "Model", "cpu model"], in: text) ?? "unknown"
  }

  /// The value after the colon of the first line that has one of the names.
  private static func field(_ names: [String], in text: String) -> String? {
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":"), names.contains(trimmed(line[..<colon])) else {
        continue
      }
      return trimmed(line[line.index(after: colon)...])
    }
    return nil
  }

  /// The bytes of physical memory.
  package static var memory: Int {
    max(0, Int(sysconf(Int32(_SC_PHYS_PAGES)))) * max(0, Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0.isWhitespace }
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }
}

/// The variables that the process was started with.
package enum Environment {
  package static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
