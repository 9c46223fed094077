import Architectures
import Configuration
import Foundation
import TaskGenerators
import Testing

/// Commands that answer: the answer is on standard output, and nothing else is anywhere.
@Suite struct AnswerTests {
  private func answer(_ arguments: String...) throws -> String {
    let call = try Program().call(arguments)
    #expect(call.status == 0, "\(call.errors)")
    #expect(call.errors.isEmpty)
    #expect(call.isPlain)
    return call.output
  }

  private struct Listed: Decodable {
    struct Setting: Decodable {
      let name: String
      let type: String
      let range: String
      let meaning: String
    }
    struct Defaults: Decodable {
      let chance: Double
      let answerLength: Int
      let maximumLength: Int
      let hasPrompt: Bool
    }
    let name: String
    let summary: String
    let paper: String
    let version: Int
    let settings: [Setting]
    let metrics: [String]?
    let slices: [String]?
    let chance: Double?
    let defaults: Defaults?
  }

  private func listed(_ arguments: String...) throws -> [Listed] {
    let call = try Program().call(["list"] + arguments + ["--format", "json"])
    #expect(call.status == 0 && call.errors.isEmpty)
    return try JSONDecoder().decode([Listed].self, from: Data(call.output.utf8))
  }

  @Test func theVersionIsOneLine() throws {
    let version = try answer("--version")
    #expect(version.split(separator: "\n").count == 1)
    #expect(version.split(separator: ".").count == 3)
  }

  @Test func everyTaskIsListedWithItsSettings() throws {
    let tasks = try listed("tasks")
    #expect(tasks.map(\.name) == TaskCatalog.all.map { $0.info.name })
    for (task, type) in zip(tasks, TaskCatalog.all) {
      #expect(task.summary == type.info.summary && task.version == type.info.version)
      #expect(task.settings.map(\.name) == type.info.settings.map(\.name))
      #expect(task.settings.map(\.meaning) == type.info.settings.map(\.meaning))
      #expect(task.settings.allSatisfy { !$0.range.isEmpty && !$0.type.isEmpty })
      #expect(task.metrics == type.info.metrics.map(\.rawValue))
      #expect(task.slices == type.info.slices && task.paper == type.info.paper)
      let made = try type.make()
      #expect(task.defaults?.chance == made.chance)
      #expect(task.defaults?.answerLength == made.answerLength)
      #expect(task.defaults?.maximumLength == made.maximumLength)
      #expect(task.chance == nil || task.chance == made.chance)
    }
    // A guess at a bit is right half of the time whatever the length; one of K values is not.
    #expect(tasks.first { $0.name == "parity" }?.chance == 0.5)
    #expect(tasks.contains { $0.name == "mqar" && $0.chance == nil })
    #expect(tasks.contains { $0.name == "group-word-problem" && $0.chance == nil })
    #expect(tasks.contains { $0.defaults?.hasPrompt == true })
    let text = try answer("list", "tasks").split(separator: "\n")
    #expect(text.count == tasks.count)
    #expect(try answer("list", "tasks", "parity").contains("chance 0.5000"))
    for (line, task) in zip(text, tasks) { #expect(line.hasPrefix(task.name + " ")) }
  }

  @Test func everyArchitectureIsListedWithItsSettings() throws {
    let mixers = try listed("architectures")
    #expect(mixers.map(\.name) == MixerCatalog.all.map { $0.info.name })
    for (mixer, type) in zip(mixers, MixerCatalog.all) {
      #expect(mixer.settings.map(\.name) == type.info.settings.map(\.name))
    }
    #expect(try answer("list", "architectures").split(separator: "\n").count == mixers.count)
    let details = try answer("list", "architectures", "delta-net")
    #expect(details.contains("S_t =") && details.contains("eigenvalues = unit"))
    #expect(try listed("architectures", "delta-net").map(\.name) == ["delta-net"])
  }

  @Test func gridsAreListed() throws {
    let program = try Program()
    try FileManager.default.createDirectory(
      atPath: program.path("tasks/inner"), withIntermediateDirectories: true)
    try program.write(tinyGrid, to: "tasks/inner/tiny.yaml")
    let call = try program.call("list", "grids")
    #expect(call.status == 0 && call.output == "tiny  Two cells.\n")
    try program.call("list", "grids", "tinny").expectRefusal(65, "unknown grid 'tinny'", "tiny")
    try program.call("list", "grids", "--folder", "none").expectRefusal(66, "none")
  }

  /// A wrong grid has a line of its own and hides no other.
  @Test func wrongGridsDoNotHideTheOthers() throws {
    let program = try Program()
    try FileManager.default.createDirectory(
      atPath: program.path("tasks"), withIntermediateDirectories: true)
    try program.write("name: [", to: "tasks/broken.yaml")
    try program.write(tinyGrid, to: "tasks/tiny.yaml")
    try program.write(tinyGrid.replacing("parity", with: "party"), to: "tasks/unknown.yaml")
    let call = try program.call("list", "grids")
    #expect(call.status == 65 && call.output == "tiny  Two cells.\n")
    #expect(call.errorLines.count == 2)
    #expect(call.errorLines.first?.hasPrefix("error: tasks/broken.yaml:") == true)
    #expect(call.errorLines.last?.contains("did you mean 'parity'?") == true)

    struct Grid: Decodable {
      let name: String
      let cells: Int?
      let error: String?
    }
    let json = try program.call("list", "grids", "--format", "json")
    #expect(json.status == 65 && json.errors.isEmpty)
    let grids = try JSONDecoder().decode([Grid].self, from: Data(json.output.utf8))
    #expect(grids.map(\.name) == ["broken", "tiny", "unknown"])
    #expect(grids.map(\.cells) == [nil, 2, nil])
    #expect(grids.map { $0.error == nil } == [false, true, false])
    let one = try program.call("list", "grids", "tiny")
    #expect(one.status == 0 && one.errors.isEmpty && one.output.contains("2 cells"))
    try program.call("list", "grids", "broken").expectRefusal(65, "tasks/broken.yaml:")
  }

  private static let recall = [
    "show", "mqar", "--set", "pairs=4", "--set", "length=64", "--seed", "1", "--index", "0",
  ]

  /// Another line here is another data set under the same name: raise the task's version.
  @Test func anExampleIsTheSameForever() throws {
    let call = try Program().call(Self.recall + ["--format", "json"])
    #expect(call.status == 0 && call.errors.isEmpty)
    #expect(call.output == goldenRecall + "\n")
  }

  @Test func anExampleIsDrawn() throws {
    let call = try Program().call(Self.recall)
    #expect(call.status == 0 && call.errors.isEmpty && call.isPlain)
    #expect(call.output.contains("pairs 4"))
    #expect(call.output.contains("target"))
    #expect(call.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let other = try Program().call(Self.recall + ["--split", "test"])
    #expect(other.output != call.output)
    #expect(!call.output.hasSuffix("\n\n"))
    let all = try Program().call(Self.recall + ["--all"])
    #expect(call.output.contains("…") && !all.output.contains("…"))
  }

  /// On a terminal there are colours, unless they are not wanted, and lines as wide as it is.
  @Test func drawingsFitTheTerminal() throws {
    let program = try Program()
    func drawing(columns: UInt16) throws -> String {
      let call = try PseudoTerminal.call(
        program, "show", "mqar", "--set", "length=64", "--all", columns: columns)
      #expect(call.status == 0, "\(call.errors)")
      return call.output
    }
    #expect(try drawing(columns: 100).contains("\u{1B}[36m"))
    program.environment = ["NO_COLOR": "1"]
    let (narrow, wide) = (try drawing(columns: 60), try drawing(columns: 200))
    #expect(!narrow.contains("\u{1B}") && !wide.contains("\u{1B}"))
    let lines = narrow.split(separator: "\n").filter { $0.hasPrefix("token") }
    #expect(lines.count > 4 && lines.allSatisfy { $0.count <= 60 })
    #expect(wide.split(separator: "\n").contains { $0.count > 150 && $0.count <= 200 })
  }

  @Test func tasksAreTimed() throws {
    struct Answer: Decodable {
      struct Timing: Decodable {
        let task: String
        let settings: String
        let tokensPerSecond: Double
        let goal: Double
      }
      let timings: [Timing]
    }
    let call = try answer(
      "bench", "tasks", "--task", "parity", "--seconds", "0.001", "--format", "json")
    let timings = try JSONDecoder().decode(Answer.self, from: Data(call.utf8)).timings
    #expect(timings.first?.settings == "defaults" && timings.count > 1)
    #expect(timings.allSatisfy { $0.task == "parity" && $0.tokensPerSecond > 0 && $0.goal == 2e7 })
    let text = try answer("bench", "tasks", "--task", "parity", "--seconds", "0.001")
    #expect(text.split(separator: "\n").count == 2 + timings.count)
  }

  @Test func validGridsAreCounted() throws {
    let program = try Program()
    try program.write(tinyGrid, to: "a.yaml")
    let call = try program.call("validate", "a.yaml", "a.yaml")
    let line = "a.yaml: 2 cells (1 task settings, 1 models)\n"
    #expect(call.status == 0 && call.errors.isEmpty && call.output == line + line)
    #expect(program.contents == ["a.yaml"])
  }
}

private let goldenRecall = """
  {"tokens":[2997,4233,2751,4375,921,6741,3785,7420,921,820,3785,4974,5937,7206,7388,7765,4975,\
  3498,2693,5304,4765,7384,5539,1534,7507,7122,547,6524,1449,532,5832,4302,4801,449,2084,2546,\
  7523,5406,6651,6819,2997,7699,2480,2941,967,2729,2751,3462,7306,1533,1940,1562,7293,7118,5244,\
  4577,4953,147,1887,2598,2147,1161,1747,5150],"targets":[null,null,null,null,null,null,null,\
  null,6741,null,7420,null,null,null,null,null,null,null,null,null,null,null,null,null,null,\
  null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,4233,null,null,\
  null,null,null,4375,null,null,null,null,null,null,null,null,null,null,null,null,null,null,\
  null,null,null],"slices":{"pairs":4,"length":64},"questionStart":8}
  """
