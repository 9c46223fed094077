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
    let name: String
    let summary: String
    let paper: String
    let version: Int
    let settings: [Setting]
  }

  private func listed(_ arguments: String...) throws -> [Listed] {
    let call = try Program().call(["list"] + arguments + ["--format", "json"])
    #expect(call.status == 0 && call.errors.isEmpty)
    return try JSONDecoder().decode([Listed].self, from: Data(call.output.utf8))
  }

  @Test(
    arguments: [
      [], ["run"], ["validate"], ["report"], ["list"], ["show"], ["doctor"], ["bench"],
      ["bench", "ops"], ["bench", "products"], ["bench", "train"],
    ])
  func everyCommandHasHelpWithExamples(_ command: [String]) throws {
    let call = try Program().call(command + ["--help"])
    #expect(call.status == 0 && call.errors.isEmpty && call.isPlain)
    #expect(call.output.contains("USAGE: hysteresis"))
    let lines = call.output.split(separator: "\n").filter { !$0.hasPrefix("USAGE:") }
    #expect(lines.allSatisfy { $0.count <= 80 })
    if command != ["bench"] { #expect(call.output.contains("EXAMPLES:")) }
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
    }
    let text = try answer("list", "tasks").split(separator: "\n")
    #expect(text.count == tasks.count)
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
  null,null,null],"slices":{"pairs":4,"length":64}}
  """
