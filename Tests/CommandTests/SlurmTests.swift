import Foundation
import Testing

/// Grids on a scheduler: here a stand-in that runs the tasks of the array at once, on this machine.
@Suite struct SlurmTests {
  private static let tasks = "for task in $(seq 0 \"$(sed -n 's/.*--array=0-//p' \"$2\")\"); do"

  /// A program in whose `PATH` there is a scheduler.
  private func program(sbatch: String, in folder: String = "bin") throws -> Program {
    let program = try Program()
    try program.write(tinyGrid, to: "g.yaml")
    try FileManager.default.createDirectory(
      atPath: program.path(folder), withIntermediateDirectories: true)
    let path = try program.write("#!/bin/sh\n\(sbatch)\n", to: folder + "/sbatch")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: program.path(path))
    let system = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    program.environment["PATH"] = program.path(folder) + ":" + system
    return program
  }

  private func run(_ program: Program, _ more: String...) throws -> Call {
    try program.call(["run", "g.yaml", "--launcher", "slurm"] + more)
  }

  @Test func workersFillTheStoreWhileItIsFollowed() throws {
    let program = try program(
      sbatch: """
        [ "$1" = --parsable ] || exit 1
        \(Self.tasks)
          SLURM_ARRAY_TASK_ID=$task sh "$2" > /dev/null 2>> errors < /dev/null &
        done
        echo '17;cluster'
        """)
    // A store whose name is a command, were it not quoted.
    let store = "it's; touch pwned; $(touch pwned)"
    let call = try run(program, "--workers", "2", "--out", store, "--watch")
    #expect(call.status == 0, "\(call.errors)")
    #expect(call.errors.contains("submitted job 17;cluster, 2 workers for 2 cells"))
    #expect(call.output.contains("gru") && call.isPlain)
    #expect(!program.contents.contains { $0.hasSuffix("pwned") && !$0.contains(";") })

    let local = try program.call("run", "g.yaml", "--out", "local", "--quiet")
    #expect(local.status == 0)
    #expect(try program.read("local/report.json") == program.read(store + "/report.json"))
    let records = program.contents.filter { $0.hasPrefix("local/cells/") }
    #expect(records.count == 2)
    for path in records {
      let name = path.dropFirst("local".count)
      #expect(try program.read(path) == program.read(store + name))
    }

    // Nothing is left to submit; the table is printed all the same.
    let again = try run(program, "--out", store)
    #expect(again.status == 0 && again.output == call.output)
    #expect(again.errors.contains("nothing was submitted"))
    let watched = try program.call("run", "g.yaml", "--out", store, "--watch", "--quiet")
    #expect(watched.status == 0 && watched.output == call.output && watched.errors.isEmpty)
  }

  /// Where models are kept, finished cells without one are missing.
  @Test func watchingWaitsForModels() throws {
    let program = try Program()
    try program.write(tinyGrid, to: "g.yaml")
    let arguments = ["run", "g.yaml", "--quiet", "--out", program.path("s")]
    #expect(try program.call(arguments).status == 0)
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 1)
      guard let worker = try? Program(), (try? worker.write(tinyGrid, to: "g.yaml")) != nil
      else { return }
      _ = try? worker.call(arguments + ["--checkpoints"])
    }
    let watched = try program.call(arguments + ["--checkpoints", "--watch"])
    #expect(watched.status == 0, "\(watched.errors)")
    #expect(program.contents.count { $0.hasSuffix(".safetensors") } == 2)
  }

  @Test func aSubmittedJobIsReported() throws {
    let program = try program(sbatch: "echo 99")
    let call = try run(program, "--out", "s", "--format", "json")
    #expect(call.status == 0)
    struct Answer: Decodable {
      let job: String
      let workers: Int
      let pending: Int
      let script: String
    }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(call.output.utf8))
    #expect(answer.job == "99" && answer.workers == 2 && answer.pending == 2)
    #expect(FileManager.default.fileExists(atPath: answer.script))
    #expect(program.contents.contains("s/grid.json"))
    let grid = try #require(program.contents.first { $0.hasPrefix("s/slurm/tiny-") })
    #expect(try program.read(grid) == tinyGrid)
  }

  @Test func refusalsOfTheSchedulerAreOneLine() throws {
    let program = try program(
      sbatch: "echo 'sbatch: error: Invalid account' >&2; echo 'sbatch: error: No' >&2; exit 1")
    try run(program, "--out", "s").expectRefusal(69, "Invalid account; No")
    let none = try Program()
    try none.write(tinyGrid, to: "g.yaml")
    none.environment["PATH"] = none.folder.path
    try run(none, "--out", "s").expectRefusal(69, "there is no 'sbatch'", "--launcher slurm")
  }

  @Test func optionsThatCannotBeAreRefused() throws {
    let program = try program(sbatch: "echo 1; touch submitted")
    try program.call("run", "g.yaml", "--partition", "p")
      .expectRefusal(64, "--partition is for --launcher slurm")
    try run(program, "--limit", "1").expectRefusal(64, "--limit", "--only")
    try run(program, "--workers", "0").expectRefusal(64, "--workers")
    try run(program, "--time", "soon").expectRefusal(64, "'soon'", "2:00:00")
    try run(program, "--slurm-option", "array=0-9").expectRefusal(64, "'array'")
    try run(program, "--slurm-option", "-x").expectRefusal(64, "account=x")
    try run(program, "--slurm-option", "--comment=a\nb").expectRefusal(64, "--comment")
    try run(program, "--partition", "p\n#SBATCH --x").expectRefusal(64, "--partition")
    try run(program, "--watch", "--dry-run").expectRefusal(64, "--watch")
    try program.call("run", "g.yaml", "--watch", "--jobs", "2").expectRefusal(64, "--jobs")
    #expect(!program.contents.contains("submitted") && !program.contents.contains("results"))
  }
}
