import Testing

/// Grids that are wrong in one place.
@Suite struct BadGridTests {
  /// What is replaced in a good grid, by what, and what the refusal must name.
  struct Fault: Sendable, CustomTestStringConvertible {
    let part: String
    let other: String
    let named: String
    var testDescription: String { "\(part) -> \(other)" }

    init(_ part: String, _ other: String, _ named: String) {
      self.part = part
      self.other = other
      self.named = named
    }
  }

  private static let good = """
    name: good
    baseline:
      task:
        name: mqar
        length: 64
        pairs: 4
        train: {examples: 1000}
        validation: {examples: 64}
      model:
        mixer: {name: attention, heads: 2}
        width: 32
        positions: none
      training: {steps: 100, batch: 16, learningRate: 1e-3}
      seed: 0
    product:
      seed: [0, 1]
    tune:
      training.learningRate: [1e-3, 1e-2]

    """

  static let faults = [
    Fault("name: good", "nmae: good", "name"),
    Fault("name: good", "name: Good Grid", "name"),
    Fault("name: good", "name: [good]", "name"),
    Fault("name: good\n", "", "name"),
    Fault("baseline:", "baselines:", "baseline"),
    Fault("baseline:", "base: 1\nbaseline:", "base"),
    Fault("task:", "tasks:", "task"),
    Fault("name: mqar", "name: mqra", "mqar"),
    Fault("name: mqar", "name: 7", "name"),
    Fault("length: 64", "lenght: 64", "length"),
    Fault("length: 64", "length: sixty", "length"),
    Fault("length: 64", "length: -64", "length"),
    Fault("length: 64", "length: 64.5", "length"),
    Fault("length: 64", "length: {from: 64, to: 32}", "length"),
    Fault("pairs: 4", "pairs: 40", "pairs"),
    Fault("pairs: 4", "pairs: 4\n    pairs: 5", "pairs"),
    Fault("train: {examples: 1000}", "train: {examples: 0}", "examples"),
    Fault("train: {examples: 1000}", "train: {examples: 8}", "batch"),
    Fault("train: {examples: 1000}", "train: {example: 1000}", "examples"),
    Fault("validation: {examples: 64}", "validation: []", "validation"),
    Fault("name: attention", "name: atention", "attention"),
    Fault("heads: 2", "head: 2", "heads"),
    Fault("heads: 2", "heads: 3", "heads"),
    Fault("heads: 2", "heads: two", "heads"),
    Fault("mixer: {name: attention, heads: 2}", "mixer: []", "mixer"),
    Fault("mixer: {name: attention, heads: 2}", "mixer: {heads: 2}", "name"),
    Fault("width: 32", "widht: 32", "width"),
    Fault("width: 32", "width: 0", "width"),
    Fault("width: 32", "width: 32\n    match: {parameters: 1000}", "match"),
    Fault("positions: none", "positions: rotatory", "rotary"),
    Fault("{name: attention, heads: 2}", "gru\n    positions: rotary", "positions"),
    Fault("width: 32", "width: 32\n    channelRatio: 2", "channelRatio"),
    Fault("steps: 100", "steps: 100, schedule: constant, finalFraction: 0.1", "finalFraction"),
    Fault("steps: 100", "stesp: 100", "steps"),
    Fault("steps: 100", "steps: 0", "steps"),
    Fault("steps: 100", "steps: 100, warmup: 200", "warmup"),
    Fault("learningRate: 1e-3}", "lerning_rate: 1e-3}", "learningRate"),
    Fault("learningRate: 1e-3}", "learningRate: .nan}", "learningRate"),
    Fault("learningRate: 1e-3}", "schedule: cosin}", "cosine"),
    Fault("seed: 0", "seed: -1", "seed"),
    Fault("seed: [0, 1]", "seed: []", "seed"),
    Fault("seed: [0, 1]", "sed: [0, 1]", "seed"),
    Fault("seed: [0, 1]", "model.widht: [32]", "width"),
    Fault("product:", "produkt:", "product"),
    Fault("training.learningRate: [", "task.length: [", "task.length"),
    Fault("training.learningRate: [1e-3, 1e-2]", "seed: [2]", "seed"),
    Fault("[1e-3, 1e-2]", "[1e-3, fast]", "learningRate"),
    Fault("[1e-3, 1e-2]", "[1e-3, 1e-2", "]"),
    Fault("  seed: [0, 1]", "\tseed: [0, 1]", "tab"),
    Fault("seed: 0", "seed: &a 0", "anchor"),
    Fault("name: good", "name: good\n---\nname: more", "document"),
  ]

  @Test func theGoodGridIsGood() throws {
    let program = try Program()
    try program.write(Self.good, to: "g.yaml")
    let call = try program.call("validate", "g.yaml")
    #expect(call.status == 0, "\(call.errors)")
  }

  @Test(arguments: faults) func isRefusedInOneLineAndWritesNothing(_ fault: Fault) throws {
    try #require(Self.good.contains(fault.part))
    let program = try Program()
    try program.write(
      Self.good.replacing(fault.part, with: fault.other, maxReplacements: 1), to: "g.yaml")
    for command in [["validate"], ["run", "--quiet"]] {
      let call = try program.call(command + ["g.yaml"])
      call.expectRefusal(65, "error: g.yaml:", fault.named)
      #expect(call.isPlain)
    }
    #expect(program.contents == ["g.yaml"])
  }

  @Test func theWorstOfSeveralGridsDecides() throws {
    let program = try Program()
    try program.write(Self.good, to: "good.yaml")
    try program.write("name: bad\n", to: "bad.yaml")
    let call = try program.call("validate", "good.yaml", "bad.yaml", "none.yaml")
    #expect(call.status == 66)
    #expect(call.output.hasPrefix("good.yaml: 4 cells"))
    #expect(call.errorLines.count == 2)
  }
}
