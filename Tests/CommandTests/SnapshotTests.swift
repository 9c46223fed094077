import Foundation
import Testing

/// Every help text, the plan of a dry run and a job script, as users see them.
@Suite struct SnapshotTests {
  /// A command as the argument parser describes it to tools.
  private struct Described: Decodable {
    let commandName: String
    let subcommands: [Described]?

    /// The words of this command and of all below it.
    func paths(below path: [String] = []) -> [[String]] {
      [path] + (subcommands ?? []).flatMap { $0.paths(below: path + [$0.commandName]) }
    }
  }

  private struct Dump: Decodable {
    let command: Described
  }

  /// Whatever commands there are: a new one is tested by being there.
  private func commands() throws -> [[String]] {
    let dump = try Program().call("--experimental-dump-help")
    let root = try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command
    return root.paths().filter { $0 != ["help"] }
  }

  @Test func everyCommandHasHelpWithExamplesThatIsKept() throws {
    let program = try Program()
    let commands = try commands()
    #expect(commands.count > 12 && commands.contains(["bench", "ops"]))
    for command in commands {
      let call = try program.call(command + ["--help"])
      #expect(call.status == 0 && call.errors.isEmpty && call.isPlain)
      #expect(call.output.contains("USAGE: hysteresis"))
      #expect(call.output.contains("EXAMPLES:"), "\(command)")
      let lines = call.output.split(separator: "\n").filter { !$0.hasPrefix("USAGE:") }
      for line in lines where line.count > 80 { Issue.record("\(command): too long: \(line)") }
      try Snapshot.expect(call.output, name(command))
    }
    let names = commands.map(name)
    for kept in Snapshot.names where kept.hasPrefix("help") && !names.contains(kept) {
      Issue.record("Snapshots/\(kept).txt is of no command")
    }
  }

  private func name(_ command: [String]) -> String {
    (["help"] + command).joined(separator: "-")
  }

  private static let grid = """
    name: plan
    baseline:
      task: {name: mqar, length: 16, pairs: 2, vocabulary: 32, test: {examples: 8}}
      model: {width: 16, layers: 1}
      training: {steps: 4, batch: 4}
    product:
      model: [{mixer: attention, positions: learned}, {mixer: delta-net}, {mixer: lstm}]
      seed: [0, 1]

    """

  /// Counted operations are kept; what depends on the machine is not.
  @Test func theDryRunsPlanIsKept() throws {
    let program = try Program()
    try program.write(Self.grid, to: "g.yaml")
    let call = try program.call(
      "run", "g.yaml", "--dry-run", "--jobs", "2", "--device", "cpu", "--out", "s")
    #expect(call.status == 0 && call.errors.isEmpty && call.isPlain)
    let masked = call.output
      .replacing(/about [0-9:]+/, with: "about 0:00")
      .replacing(/[0-9.]+ (M|G)iB/, with: "0 MiB")
    try Snapshot.expect(masked, "dry-run")
    #expect(program.contents == ["g.yaml"])
  }

  @Test func theJobScriptIsKept() throws {
    let program = try Program()
    try program.write(Self.grid, to: "g.yaml")
    let call = try program.call(
      "run", "g.yaml", "--launcher", "slurm", "--dry-run", "--partition", "gpu", "--gpus", "1",
      "--time", "2:00:00", "--workers", "2", "--slurm-option", "--account=x", "--slurm-option",
      "exclusive", "--set", "training.steps=9", "--only", "model=*", "--out", "s")
    #expect(call.status == 0 && call.errors.isEmpty && call.isPlain)
    let folder = program.folder.resolvingSymlinksInPath().path
    let masked = call.output.replacing(folder, with: "/FOLDER")
      .replacing(try Program.executable.deletingLastPathComponent().path, with: "/PROGRAMS")
      .replacing(/exec [^ ]*\/hysteresis/, with: "exec /PROGRAMS/hysteresis")
    try Snapshot.expect(masked, "job-script")
    #expect(program.contents == ["g.yaml"])
  }
}
