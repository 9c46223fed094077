import Harness
import Testing

@Suite struct BadGridTests {
  @Test(arguments: BadGrid.all) func isRefusedInOneLine(_ grid: BadGrid) {
    let found = refusal(grid.text, grid.options)
    #expect(found?.description == grid.refusal)
    #expect(found?.description.contains("\n") == false)
  }

  @Test func titlesDiffer() {
    #expect(Set(BadGrid.all.map(\.title)).count == BadGrid.all.count)
  }

  @Test func statusesFollowSysexits() {
    let grid = "name: g\nbaseline:\n  task: mqar\n  model: {mixer: gru}\n"
    #expect(refusal("name: G")?.status == .data)
    #expect(refusal(grid, GridOptions(overrides: ["x"]))?.status == .usage)
    #expect(refusal(grid, GridOptions(overrides: ["x=1"]))?.status == .data)
    #expect(refusal(grid, GridOptions(only: ["colour=red"]))?.status == .usage)
    #expect(refusal(grid, GridOptions(only: ["task=parity"]))?.status == .data)
    #expect(GridError.Status.noInput.rawValue == 66)
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    let bytes = Array("name: g\ndescription: ".utf8) + [0xC3, 0x28, 0x0A]
    let error = #expect(throws: GridError.self) { try Grid(bytes: bytes, file: "g.yaml") }
    #expect(
      error?.description == "g.yaml:2:1: this line is not UTF-8; save the file as UTF-8")
  }

  @Test func missingFilesAndFoldersAreNoInput() {
    let missing = #expect(throws: GridError.self) { try Grid.read("/nonexistent/g.yaml") }
    #expect(
      missing?.description
        == "/nonexistent/g.yaml: cannot read the grid: No such file or directory")
    #expect(missing?.status == .noInput)
    let folder = #expect(throws: GridError.self) { try Grid.read("/") }
    #expect(folder?.description == "/: cannot read the grid: Is a directory")
    #expect(folder?.status == .noInput)
  }

  @Test func filesAreRead() {
    let error = #expect(throws: GridError.self) { try Grid.read(#filePath) }
    #expect(error?.status == .data)
  }

  @Test func namesOfFilesCannotBreakTheLine() {
    let error = #expect(throws: GridError.self) {
      try Grid(text: "", file: "a\n\u{1B}[31mb.yaml")
    }
    #expect(error?.description.hasPrefix("a\\u{a}\\u{1b}[31mb.yaml:1:1: ") == true)
  }
}
