#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Another program, run to its end.
package struct Subprocess: Sendable {
  /// The exit status; 128 and the signal's number where a signal ended it.
  package let status: Int32
  /// What it wrote to standard output.
  package let output: String
  /// What it wrote to standard error.
  package let errors: String

  /// Runs a program with nothing on standard input.
  ///
  /// No shell is involved: every argument reaches the program as it is.
  ///
  /// - Parameters:
  ///   - program: A path, or a name that is looked for in `PATH`.
  ///   - arguments: What follows the program's name.
  /// - Throws: `FileError` where it cannot be started; `isMissing` says that there is none.
  package init(_ program: String, _ arguments: [String]) throws(FileError) {
    let output = try Drain(for: program)
    let errors = try Drain(for: program)
    let child = try Self.start(program, arguments, output: output, errors: errors)
    output.closeWriter()
    errors.closeWriter()
    drain([output, errors])
    status = Self.wait(for: child)
    self.output = output.text
    self.errors = errors.text
  }

  #if canImport(Darwin)
    private typealias FileActions = posix_spawn_file_actions_t?
  #else
    private typealias FileActions = posix_spawn_file_actions_t
  #endif

  private static func start(
    _ program: String, _ arguments: [String], output: Drain, errors: Drain
  ) throws(FileError) -> pid_t {
    #if canImport(Darwin)
      var actions: FileActions = nil
    #else
      var actions = FileActions()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writer, 1)
    posix_spawn_file_actions_adddup2(&actions, errors.writer, 2)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, program, &actions, nil, words, environ)
    guard code == 0 else {
      throw FileError(
        path: program, action: .start, reason: String(cString: strerror(code)), code: code)
    }
    return child
  }

  private static func wait(for child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }
}

/// A pipe whose reading end is emptied here.
private final class Drain {
  let reader: Int32
  private(set) var writer: Int32
  private var bytes: [UInt8] = []

  init(for program: String) throws(FileError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw FileError(last: .start, program) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reader, writer) = (ends[0], ends[1])
  }

  deinit {
    close(reader)
    closeWriter()
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  func closeWriter() {
    if writer >= 0 { close(writer) }
    writer = -1
  }

  /// Reads what is there; false at the end.
  func take() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = read(reader, &chunk, chunk.count)
    if count > 0 { bytes += chunk[..<count] }
    return count > 0 || (count < 0 && errno == EINTR)
  }
}

/// Reads several pipes to their ends, in whatever order they fill, so that no writer has to wait.
private func drain(_ pipes: [Drain]) {
  var open = pipes
  while !open.isEmpty {
    var polled = open.map { pollfd(fd: $0.reader, events: Int16(POLLIN), revents: 0) }
    guard poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { return }
    open = zip(open, polled).filter { pipe, state in state.revents == 0 || pipe.take() }.map(\.0)
  }
}
