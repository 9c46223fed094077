import Architectures
import Foundation
import TaskGenerators
import Testing

/// What shells complete.
@Suite struct CompletionTests {
  @Test(arguments: ["bash", "zsh", "fish"]) func everyShellHasItsScript(_ shell: String) throws {
    let program = try Program()
    let call = try program.call("--generate-completion-script", shell)
    #expect(call.status == 0 && call.errors.isEmpty)
    for word in ["run", "validate", "architectures", "retry-failed", "launcher", "slurm"] {
      #expect(call.output.contains(word), "\(word)")
    }
    // The shell itself finds no fault, where it is there.
    let places = ["/bin/", "/usr/bin/", "/usr/local/bin/"].map { $0 + shell }
    guard let path = places.first(where: FileManager.default.isExecutableFile) else { return }
    try program.write(call.output, to: "script")
    let process = Foundation.Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-n", program.path("script")]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  /// Asks as the scripts do.
  private func completions(_ arguments: String...) throws -> Set<Substring> {
    let program = try Program()
    program.environment["SAP_SHELL"] = "bash"
    let call = try program.call(["---completion"] + arguments)
    #expect(call.status == 0, "\(call.errors)")
    return Set(call.output.split(separator: "\n"))
  }

  @Test func namesAreThoseOfTheCatalogues() throws {
    let tasks = Set(TaskCatalog.all.map { Substring($0.info.name) })
    let mixers = Set(MixerCatalog.all.map { Substring($0.info.name) })
    #expect(
      try completions("show", "--", "positional@0", "2", "0", "hysteresis", "show", "") == tasks)
    #expect(
      try completions(
        "bench", "train", "--", "--architecture", "3", "0", "hysteresis", "bench", "train",
        "--architecture", "") == mixers)
    #expect(
      try completions(
        "list", "--", "positional@1", "3", "0", "hysteresis", "list", "architectures", "")
        == mixers)
  }
}
