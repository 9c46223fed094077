#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What tells one process from all others, also from one that gets its number later.
package struct RunningProcess: Sendable, Hashable, Codable {
  package let host: String
  /// The number that the system knows it by.
  package let number: Int
  /// Where the number means this process; nil where the system does not tell.
  ///
  /// That is the system's present start and the spaces of numbers and of times, which containers
  /// have for themselves.
  package let place: String?
  /// When it started, in the system's own count; nil where the system does not tell.
  package let start: String?

  package init(host: String, number: Int, place: String?, start: String?) {
    self.host = host
    self.number = number
    self.place = place
    self.start = start
  }

  /// The present process.
  package static let current = RunningProcess(
    host: Machine.hostName, number: Machine.processIdentifier, place: ownPlace,
    start: start(of: Machine.processIdentifier))

  /// A short word for the process in the names of files; ``isGone(word:)`` understands it.
  package var word: String { "\(Self.hash(place ?? host))-\(number)" }

  /// Whether the process of a word is known to be gone.
  package static func isGone(word: some StringProtocol) -> Bool {
    let parts = word.split(separator: "-")
    guard parts.count == 2, let place = current.place, parts[0] == hash(place),
      let number = Int(parts[1])
    else { return false }
    return RunningProcess(host: current.host, number: number, place: place, start: nil).isGone
  }

  /// FNV-1a in hexadecimal digits.
  private static func hash(_ text: String) -> String {
    let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    return String(hash, radix: 16)
  }

  /// Whether the process is known to be gone.
  ///
  /// Of a process elsewhere nothing is known; one with the same host name may be elsewhere too.
  package var isGone: Bool {
    guard let place, place == Self.current.place, number > 0, let pid = pid_t(exactly: number)
    else { return false }
    if kill(pid, 0) != 0, errno == ESRCH { return true }
    guard let start, let present = Self.start(of: number) else { return false }
    return start != present
  }

  private static var ownPlace: String? {
    #if canImport(Darwin)
      var name = [UInt8](repeating: 0, count: 128)
      var size = name.count - 1
      guard sysctlbyname("kern.bootsessionuuid", &name, &size, nil, 0) == 0 else { return nil }
      return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    #else
      guard let boot = try? Files.read("/proc/sys/kernel/random/boot_id") else { return nil }
      guard let numbers = linkTarget("/proc/self/ns/pid") else { return nil }
      // Starts are told in the time of whoever asks. Old systems have one time for all.
      let times = linkTarget("/proc/self/ns/time") ?? ""
      return String(decoding: boot.filter { $0 > 32 }, as: UTF8.self) + " \(numbers) \(times)"
    #endif
  }

  private static func linkTarget(_ path: String) -> String? {
    var target = [CChar](repeating: 0, count: 128)
    let count = readlink(path, &target, target.count)
    guard count > 0 else { return nil }
    return String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// When a process started, in ticks since the system did.
  private static func start(of number: Int) -> String? {
    #if canImport(Darwin)
      return nil
    #else
      guard let bytes = try? Files.read("/proc/\(number)/stat") else { return nil }
      return start(inStatusFile: String(decoding: bytes, as: UTF8.self))
    #endif
  }

  /// The 22nd field of Linux's `/proc/<pid>/stat`; the second is a name in parentheses, which may
  /// hold spaces and parentheses itself.
  package static func start(inStatusFile text: String) -> String? {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
  }
}
