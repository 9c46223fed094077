import Configuration
import DataSets
import Platform
import TaskGenerators
import TensorFiles
import Testing

@Suite final class DataSetTests {
  private let folder: String

  init() throws {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    folder = "\(parent)/data-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
    try Files.makeFolder(folder)
  }

  deinit {
    for name in (try? Files.list(folder)) ?? [] { try? Files.remove(folder + "/" + name) }
    try? Files.remove(folder)
  }

  private func selection(
    _ task: any TaskGenerator, count: Int, first: UInt64 = 0
  ) -> ExampleSelection {
    ExampleSelection(task: task, split: .validation, seed: 3, first: first, count: count)
  }

  private func lines(_ selection: ExampleSelection, jobs: Int) throws -> [UInt8] {
    let path = folder + "/lines"
    let writer = DataSetWriter(selection, jobs: jobs)
    #expect(try DataSetWriter.writeLines(.examples, of: [writer], to: .file(path)))
    return try Files.read(path)
  }

  private func tensors(_ selection: ExampleSelection, jobs: Int) throws -> String {
    let path = folder + "/tensors-\(jobs)"
    let writer = DataSetWriter(selection, jobs: jobs)
    #expect(try writer.writeTensors(try writer.tensorLayout(program: "1"), to: .file(path)))
    return path
  }

  private static let tasks: [any TaskGenerator] = [
    try? MultiQueryRecall.make(["length": .integer(2000), "pairs": .integer(9)]),
    try? Parity.make(["length": .range(3...4000), "mode": .text("running")]),
  ].compactMap { (task: (any TaskGenerator)?) in task }

  @Test(arguments: DataSetTests.tasks)
  func linesAreTheExamples(task: any TaskGenerator) throws {
    let expected = (0..<130).map {
      task.json(task.example(split: .validation, seed: 3, index: $0)) + "\n"
    }.joined()
    #expect(try lines(selection(task, count: 130), jobs: 3) == Array(expected.utf8))
  }

  @Test(arguments: DataSetTests.tasks)
  func anyNumberOfJobsWritesTheSameBytes(task: any TaskGenerator) throws {
    let selection = selection(task, count: 130, first: 7)
    let alone = try lines(selection, jobs: 1)
    #expect(try lines(selection, jobs: 8) == alone)
    let files = try [1, 2, 8].map { try Files.read(try tensors(selection, jobs: $0)) }
    #expect(files[1] == files[0] && files[2] == files[0])
  }

  @Test(arguments: DataSetTests.tasks)
  func tensorsHoldTheExamples(task: any TaskGenerator) throws {
    let file = try TensorFile(try tensors(selection(task, count: 70, first: 5), jobs: 2))
    let length = task.maximumLength
    let tokens = try file.integers(of: "tokens")
    let targets = try file.integers(of: "targets")
    let lengths = try file.integers(of: "lengths")
    let starts = try file.integers(of: "questionStart")
    let slices = try type(of: task).info.slices.map { try file.integers(of: "slices." + $0) }
    #expect(file.layout["tokens"]?.tensor.shape == [70, length])
    for row in 0..<70 {
      let example = task.example(split: .validation, seed: 3, index: UInt64(5 + row))
      let missing = length - example.tokens.count
      #expect(
        Array(tokens[row * length..<(row + 1) * length]) == example.tokens
          + Array(repeating: 0, count: missing))
      var expected = [Int32](repeating: -100, count: length)
      for target in example.targets { expected[Int(target.position)] = target.token }
      #expect(Array(targets[row * length..<(row + 1) * length]) == expected)
      #expect(Int(lengths[row]) == example.tokens.count)
      #expect(Int(starts[row]) == example.questionStart)
      #expect(slices.map { Int($0[row]) } == example.slices)
    }
    let metadata = file.layout.metadata
    #expect(metadata["task"] == type(of: task).info.name)
    #expect(metadata["settings"] == task.settings.json)
    #expect(metadata["split"] == "validation" && metadata["seed"] == "3")
    #expect(metadata["first"] == "5" && metadata["program"] == "hysteresis 1")
  }

  /// Choices stand where the targets do, one bit for each token that may follow.
  @Test func choicesAreWritten() throws {
    let task = try Coins.make()
    let file = try TensorFile(try tensors(selection(task, count: 2), jobs: 1))
    #expect(file.layout["choices"]?.tensor.type == .int64)
    let row: [UInt8] = Array(repeating: 0, count: 8) + [3, 0, 0, 0, 0, 0, 0, 0]
    #expect(try file.bytes(of: "choices") == row + row)
  }

  @Test func promptsAreWritten() throws {
    let path = folder + "/prompts"
    let writer = DataSetWriter(selection(try Coins.make(), count: 2), jobs: 2)
    #expect(try DataSetWriter.writeLines(.prompts, of: [writer], to: .file(path)))
    let line = #"{"prompt":"say \"1\"\n","answers":["1","é"]}"# + "\n"
    #expect(try Files.read(path) == Array((line + line).utf8))
  }

  @Test func whatIsCancelledLeavesNothing() throws {
    let writer = DataSetWriter(selection(Self.tasks[0], count: 500), jobs: 2) { true }
    #expect(try !DataSetWriter.writeLines(.examples, of: [writer], to: .file(folder + "/a")))
    #expect(
      try !writer.writeTensors(try writer.tensorLayout(program: "1"), to: .file(folder + "/b")))
    #expect(try Files.list(folder).isEmpty)
  }

  @Test func whatCannotBeWrittenIsAnError() throws {
    let writer = DataSetWriter(selection(Self.tasks[0], count: 500), jobs: 4)
    for path in [folder, folder + "/none/file"] {
      #expect(throws: FileError.self) {
        try DataSetWriter.writeLines(.examples, of: [writer], to: .file(path))
      }
    }
    #expect(try Files.list(folder).isEmpty)
  }

  @Test func sizesThatNoFileCanHaveAreRefused() throws {
    let writer = DataSetWriter(selection(Self.tasks[0], count: .max), jobs: 1)
    #expect(throws: TensorLayoutProblem.self) { try writer.tensorLayout(program: "1") }
  }
}
