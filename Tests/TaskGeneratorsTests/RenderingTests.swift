import Configuration
import TaskGenerators
import Testing

@Suite struct RenderingTests {
  private func drawn(_ width: Int) throws -> String {
    let task = try MultiQueryRecall.make([
      "vocabulary": .integer(32), "length": .integer(16), "pairs": .integer(2),
    ])
    return task.render(task.example(split: .train, seed: 1, index: 0), width: width)
  }

  @Test func drawingIsTheGoldenOne() throws {
    #expect(try drawn(70) == goldenDrawing)
  }

  @Test(arguments: [1, 20, 33, 80, 1000])
  func drawingKeepsItsWidth(width: Int) throws {
    let lines = try drawn(width).split(separator: "\n").dropFirst(2)
    // One column is always shown, whatever the width.
    #expect(lines.allSatisfy { $0.count <= max(width, 15) })
    #expect(lines.filter { $0.hasPrefix("token") }.joined().count { $0 == " " } >= 16)
  }

  @Test func jsonHasItsForm() throws {
    let parity = try Parity.make(["length": .integer(5)])
    var example = Example()
    example.tokens = [1, 0, 1, 1]
    example.targets = [Target(position: 3, token: 1)]
    example.slices = [5]
    #expect(
      parity.json(example)
        == #"{"tokens":[1,0,1,1],"targets":[null,null,null,1],"slices":{"length":5}}"#)
  }

  @Test func rolesAreDescribed() throws {
    let task = try MultiQueryRecall.make([
      "length": .integer(12), "pairs": .integer(1), "composition": .integer(2),
    ])
    let example = task.example(split: .train, seed: 1, index: 0)
    let roles = task.describe(example).map { $0.split(separator: " ").first.map(String.init) ?? "" }
    #expect(Array(roles.prefix(3)) == ["key", "key", "value"])
    #expect(roles.dropFirst(3).count { $0 == "query" } == 2)
    #expect(roles.dropFirst(3).count { $0 == "filler" } == 7)
  }
}

private let goldenDrawing = """
  mqar: pairs 2, length 16, questions from 4
  * is scored: read from the output at its position

  position      0      1      2      3      4      5      6      7
  token        10     31     13     16     13      5     10     20
  role        key  value    key  value  query filler  query filler
  target        .      .      .      .    *16      .    *31      .

  position      8      9     10     11     12     13     14     15
  token        25      2      4     25     27      5      7      6
  role     filler filler filler filler filler filler filler filler
  target        .      .      .      .      .      .      .      .

  """
