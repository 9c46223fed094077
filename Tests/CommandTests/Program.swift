import Foundation
import Testing

/// What one call of the program printed, and how it ended.
struct Call {
  let status: Int32
  let output: String
  let errors: String

  var errorLines: [Substring] { errors.split(separator: "\n") }

  /// Whether nothing steers a terminal.
  var isPlain: Bool { !output.contains("\u{1B}") && !errors.contains("\u{1B}") }

  /// Checks that the call was refused: nothing on standard output, one line on the other.
  func expectRefusal(
    _ status: Int32, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(self.status == status, "\(errors)", sourceLocation: sourceLocation)
    #expect(output.isEmpty, sourceLocation: sourceLocation)
    #expect(errorLines.count == 1, "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("error: "), "\(errors)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(errors.contains(part), "\(errors)", sourceLocation: sourceLocation)
    }
  }
}

/// The built program, run in a folder of its own with pipes for its streams.
final class Program {
  let folder: URL
  /// What the program finds in its environment beside the system's.
  var environment: [String: String] = [:]

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("hysteresis-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// The paths of everything in the folder.
  var contents: Set<String> {
    Set((try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? [])
  }

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    return name
  }

  func read(_ name: String) throws -> String {
    try String(decoding: Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
  }

  func call(_ arguments: String...) throws -> Call { try call(arguments) }

  /// Calls the program; `device` is what its standard output goes to instead, as /dev/full.
  func call(_ arguments: [String], device: String? = nil) throws -> Call {
    let streams = folder.appendingPathExtension("streams")
    try FileManager.default.createDirectory(at: streams, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: streams) }
    let files = ["output", "errors"].map { streams.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    let process = Foundation.Process()
    process.executableURL = try Self.executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment
      .filter { !["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"].contains($0.key) }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(
      forWritingTo: device.map { URL(fileURLWithPath: $0) } ?? files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    process.waitUntilExit()
    let texts = try files.map { try String(decoding: Data(contentsOf: $0), as: UTF8.self) }
    return Call(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  /// The program lies beside the tests' bundle.
  static var executable: URL {
    get throws {
      let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
      let places = [URL(fileURLWithPath: CommandLine.arguments[0])] + bundles
      return try #require(
        places.map { $0.deletingLastPathComponent().appendingPathComponent("hysteresis") }
          .first { FileManager.default.isExecutableFile(atPath: $0.path) },
        "the program is not beside the tests")
    }
  }
}

/// A grid that is trained in a moment.
let tinyGrid = """
  name: tiny
  description: Two cells.
  baseline:
    task: {name: parity, length: 5, validation: {examples: 8}, test: {examples: 8}}
    model: {mixer: gru, width: 8, layers: 1}
    training: {steps: 4, batch: 4}
    seed: 0
  product:
    seed: [0, 1]

  """
