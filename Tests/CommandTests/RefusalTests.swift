import Testing

/// Calls that cannot be: one line that says what would be right, and the status of sysexits.h.
@Suite struct RefusalTests {
  private func call(_ arguments: String...) throws -> Call { try Program().call(arguments) }

  @Test func misspeltWordsAreUsageErrors() throws {
    try call("lsit").expectRefusal(64, "unknown command 'lsit'", "did you mean 'list'?")
    try call("list", "taks").expectRefusal(64, "taks", "tasks", "architectures", "grids")
    try call("list", "tasks", "--fromat", "json")
      .expectRefusal(64, "unknown option '--fromat'", "'--format'?", "hysteresis list --help")
    try call("list", "tasks", "--format", "jsn").expectRefusal(64, "jsn", "text", "json")
    try call("bench", "opps").expectRefusal(64, "opps")
    try call("--verbose").expectRefusal(64, "--verbose", "hysteresis --help")
    try call("--generate-completion-script", "tcsh").expectRefusal(64, "'tcsh'", "zsh")
  }

  @Test func devicesThatCannotBeAreRefused() throws {
    for command in [["doctor"], ["bench", "ops"], ["bench", "train"]] {
      let call = { try Program().call(command + ["--device", $0]) }
      try call("gpu").expectRefusal(64, "unknown device 'gpu'", "cuda:all")
      // No machine has so many, with or without a driver.
      try call("cuda:999").expectRefusal(69, "cpu")
    }
    try call("doctor", "--kernels", "90").expectRefusal(64, "'90'", "sm_90")
    try call("doctor", "--tasks", "--only", "gate").expectRefusal(64, "--only", "--tasks")
    try call("doctor", "--tasks", "--kernels", "sm_90").expectRefusal(64, "--kernels", "--tasks")
  }

  @Test func missingAndImpossibleArgumentsAreUsageErrors() throws {
    try call("run").expectRefusal(64, "<grid>")
    try call("validate").expectRefusal(64, "<grids>")
    try call("show").expectRefusal(64, "<task>")
    try call("doctor", "more").expectRefusal(64, "more")
    try call("show", "mqar", "--seed", "x").expectRefusal(64, "--seed", "x")
    try call("show", "mqar", "--set", "pairs").expectRefusal(64, "key=value")
    try call("run", "g.yaml", "--jobs", "0").expectRefusal(64, "--jobs")
    try call("run", "g.yaml", "--limit", "0").expectRefusal(64, "--limit")
    try call("run", "g.yaml", "--out", "").expectRefusal(64, "--out is empty")
    try call("report", "s", "--compact", "").expectRefusal(64, "--compact is empty")
  }

  @Test func unknownNamesAreDataErrorsWithTheNearest() throws {
    try call("show", "mqra").expectRefusal(65, "unknown task 'mqra'", "did you mean 'mqar'?")
    try call("doctor", "--device", "cpu", "--only", "gaet").expectRefusal(65, "'gaet'", "gatedNorm")
    try call("list", "tasks", "party").expectRefusal(65, "did you mean 'parity'?")
    try call("list", "architectures", "deltanet").expectRefusal(65, "did you mean 'delta-net'?")
    try call("show", "mqar", "--set", "pair=3").expectRefusal(65, "did you mean 'pairs'?")
    try call("bench", "train", "--architecture", "gruu").expectRefusal(65, "did you mean 'gru'?")
    try call("bench", "tasks", "--task", "party").expectRefusal(65, "did you mean 'parity'?")
    try call("show", "mqar", "--format", "prompt").expectRefusal(65, "mqar", "English text")
    try call("bench", "ops", "--op", "atention").expectRefusal(65, "did you mean 'attention'?")
  }

  @Test func impossibleSettingsAreDataErrors() throws {
    try call("show", "mqar", "--set", "pairs=99").expectRefusal(65, "pairs", "length")
    try call("show", "mqar", "--set", "pairs=many").expectRefusal(65, "pairs", "whole number")
    try call("show", "mqar", "--set", "filler=grey").expectRefusal(65, "zero", "random", "clean")
    try call("show", "parity", "--set", "length={from: 9, to: 3}").expectRefusal(65, "length")
  }

  @Test func missingInputsHaveTheirStatus() throws {
    try call("run", "none.yaml").expectRefusal(66, "none.yaml")
    try call("validate", "none.yaml").expectRefusal(66, "none.yaml")
    try call("report", "none").expectRefusal(66, "none")
    let program = try Program()
    try program.write("", to: "file")
    try program.call("report", "file").expectRefusal(66, "file")
    try program.call("report", ".").expectRefusal(66, "no records")
    try program.call("run", ".").expectRefusal(66, "directory")
  }

  @Test func filesWithoutAnEndAreNotReadToIt() throws {
    try call("validate", "/dev/zero").expectRefusal(65, "/dev/zero:1:1: the text has more than")
    let program = try Program()
    try program.write(tinyGrid, to: "g.yaml")
    #expect(try program.call("run", "g.yaml", "--out", "s", "--quiet").status == 0)
    try program.call("report", "s", "--published", "/dev/zero")
      .expectRefusal(65, "/dev/zero: it has more than")
  }

  #if os(Linux)
    /// A table that a full disk swallows must not look like one that was written.
    @Test func answersThatAreLostAreErrors() throws {
      let program = try Program()
      try program.write(tinyGrid, to: "g.yaml")
      for command in [
        ["list", "tasks"], ["list", "tasks", "--format", "json"], ["show", "parity"], ["--help"],
        ["validate", "g.yaml"], ["run", "g.yaml", "--quiet"], ["compare", "results/tiny"],
        ["report", "results/tiny", "--print-only", "--format", "csv"],
        ["generate", "parity", "--examples", "9"],
      ] {
        try program.call(command, device: "/dev/full")
          .expectRefusal(73, "standard output: cannot write: No space left on device")
      }
      // What went wrong before says more.
      try program.call(["list", "tasks", "party"], device: "/dev/full").expectRefusal(65, "party")
    }
  #endif

  @Test func whatTheMachineLacksIsUnavailable() throws {
    let program = try Program()
    try program.write(tinyGrid, to: "g.yaml")
    // No machine has so many, with or without a driver.
    try program.call("run", "g.yaml", "--device", "cuda:999").expectRefusal(69, "--device cpu")
    try program.call("run", "g.yaml", "--cpu", "x86-64-v9").expectRefusal(69, "v9", "baseline")
    try program.call("bench", "ops", "--cpu", "v9").expectRefusal(69, "v9")
    try program.call("bench", "train", "--cpu", "v9").expectRefusal(69, "v9")
    #expect(program.contents == ["g.yaml"])
  }

  @Test func aStoreThatCannotBeMadeIsFoundAtOnce() throws {
    let program = try Program()
    try program.write(tinyGrid, to: "g.yaml")
    try program.write("in the way", to: "file")
    for folder in ["file", "file/store"] {
      try program.call("run", "g.yaml", "--out", folder).expectRefusal(73, "file")
    }
    #expect(program.contents == ["g.yaml", "file"])
  }
}
