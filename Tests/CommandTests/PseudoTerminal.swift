import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A terminal that nobody looks at: what the program shows to people.
enum PseudoTerminal {
  /// Runs a command with its standard output, or both of its streams, on a terminal of the given
  /// width; what is written there is the call's output.
  static func call(
    _ program: Program, _ arguments: String..., columns: UInt16, withErrors: Bool = false
  ) throws -> Call {
    let (master, terminal) = try open(columns: columns)
    defer { close(master) }

    let process = Foundation.Process()
    process.executableURL = try Program.executable
    process.arguments = arguments
    process.currentDirectoryURL = program.folder
    process.environment = ProcessInfo.processInfo.environment
      .filter { !["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CI"].contains($0.key) }
      .merging(["TERM": "xterm"]) { $1 }.merging(program.environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(fileDescriptor: terminal)
    let errors = Pipe()
    process.standardError =
      withErrors ? FileHandle(fileDescriptor: terminal, closeOnDealloc: false) : errors
    try process.run()
    close(terminal)
    if withErrors { try errors.fileHandleForWriting.close() }
    let output = readAll(master)
    process.waitUntilExit()
    return Call(
      status: process.terminationStatus,
      output: String(decoding: output, as: UTF8.self).replacing("\r\n", with: "\n"),
      errors: String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self))
  }

  /// Both ends of a new terminal: ours, and that of the program.
  private static func open(columns: UInt16) throws -> (master: Int32, terminal: Int32) {
    // Glibc's module leaves these out.
    typealias OnDescriptor = @convention(c) (Int32) -> Int32
    typealias NameOf = @convention(c) (Int32) -> UnsafeMutablePointer<CChar>?
    let master = try function("posix_openpt", as: OnDescriptor.self)(O_RDWR | O_NOCTTY)
    for step in ["grantpt", "unlockpt"] {
      let status = try function(step, as: OnDescriptor.self)(master)
      try #require(master >= 0 && status == 0)
    }
    let named = try function("ptsname", as: NameOf.self)(master)
    let name = try #require(named)
    let terminal = openFile(name, O_RDWR | O_NOCTTY)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    let status = ioctl(terminal, UInt(TIOCSWINSZ), &size)
    try #require(terminal >= 0 && status == 0)
    return (master, terminal)
  }

  private static func function<Function>(
    _ name: String, as type: Function.Type
  ) throws -> Function {
    unsafeBitCast(try #require(dlsym(dlopen(nil, RTLD_NOW), name)), to: type)
  }

  /// Reads until the last writer is gone, which Linux reports as an error and others as the end.
  private static func readAll(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
    }
  }
}

// Inside `PseudoTerminal` the name `open` means its own function.
private func openFile(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 { open(path, flags) }
