import Foundation
import Harness
import Testing

/// Scripts for schedulers: nothing that a user wrote becomes a word that was not meant.
@Suite struct LaunchTests {
  static let hostile = [
    "", " ", "a b", "it's", "''", "'; touch pwned; '", "$(touch pwned)", "`touch pwned`", "$HOME",
    "${PATH}", "a\nb", "a\\nb", "\\", "\"", "\"'", "#x", "~", "*", "?", "[a]", "{a,b}", "!x", "a&b",
    "a|b", "a;b", "<a>", "(a)", "-rf", "--", "=", "%A_%a", "é✓", "\t", "\u{1B}[31m", "a\r\nb",
  ]

  /// A shell gives back every word as it was.
  @Test func shellsReadEveryWordAsItIs() throws {
    let script =
      "printf '%s\\0' " + Self.hostile.map(ShellWord.quoted).joined(separator: " ")
    let process = Foundation.Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let words = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
    #expect(words.map { String(decoding: $0, as: UTF8.self) } == Self.hostile)
    #expect(ShellWord.quoted("plain/word_1.2-3") == "plain/word_1.2-3")
  }

  /// A value stays on its line, and between quotes that it cannot end.
  @Test func directivesHoldTheirValues() throws {
    for text in Self.hostile {
      guard let word = ShellWord.directive(text) else {
        #expect(text.contains { $0.isNewline || "\\\"'\t\u{1B}".contains($0) }, "\(text)")
        continue
      }
      #expect(!word.contains { $0.isNewline } && !word.contains("\\"))
      guard word != text else { continue }
      let quote = try #require(word.first)
      #expect(word == "\(quote)\(text)\(quote)" && !text.contains(quote))
    }
    #expect(ShellWord.directive("a\nb") == nil && ShellWord.directive("\"'") == nil)
  }

  private func script(
    _ change: (inout SlurmRequest) -> Void = { _ in }, logs: String = "/store/slurm",
    command: [String] = ["/bin/hysteresis"]
  ) throws -> [String] {
    var request = SlurmRequest(workers: 3, cores: 2)
    change(&request)
    return try SlurmScript(
      name: "grid", request: request, logs: logs, folder: "/work folder", command: command
    ).text.split(separator: "\n").map(String.init)
  }

  @Test func theScriptAsksForWhatIsNeeded() throws {
    let lines = try script { $0.options = ["--mem=4G", "account=x", "exclusive"] }
    #expect(lines.first == "#!/bin/bash")
    for line in [
      "--job-name=hysteresis-grid", "--array=0-2", "--cpus-per-task=2", "--mem=4G", "--account=x",
      "--exclusive", "--requeue", "--signal=B:TERM@60",
    ] {
      #expect(lines.contains("#SBATCH " + line), "\(line)")
    }
    #expect(lines.suffix(3).first == "cd '/work folder' || exit 66")
    #expect(lines.last == "exec /bin/hysteresis")
  }

  /// Whatever a name holds, the script has no line more than for a harmless one, but for line breaks
  /// inside a quoted word.
  @Test(arguments: hostile) func hostileTextsStayWhereTheyAre(_ text: String) throws {
    let usual = try script().count
    let lines = try script(command: ["/bin/hysteresis", text])
    #expect(lines.count <= usual + text.filter(\.isNewline).count)
    for line in lines.dropFirst().prefix(while: { $0.hasPrefix("#SBATCH") }) {
      #expect(!line.contains("pwned"))
    }
    guard let held = try? script({ $0.partition = text }, logs: "/a/\(text)") else { return }
    #expect(held.count == usual + 1)
    #expect(held.filter { !$0.hasPrefix("#") }.allSatisfy { !$0.contains("pwned") })
  }

  @Test func whatCannotBeHeldIsRefused() {
    for option in ["array=0-9", "--output=x", "a b=c", "-n4", "--", "", "x\ny=1", "comment=a\nb"] {
      #expect(throws: LaunchError.self, "\(option)") { try script { $0.options = [option] } }
    }
    for time in ["", "soon", "1:2:3:4", "1-", "-1", "10 ", "1\n", "1234567"] {
      #expect(throws: LaunchError.self, "\(time)") { try script { $0.time = time } }
    }
    for time in ["30", "2:00", "2:00:00", "1-12", "1-12:30:00"] {
      #expect(throws: Never.self) { try script { $0.time = time } }
    }
    #expect(throws: LaunchError.self) { try script(logs: "/a\nb") }
    #expect(throws: LaunchError.self) { try script(command: ["a\0b"]) }
  }
}
