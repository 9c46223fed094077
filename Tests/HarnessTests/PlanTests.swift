import Configuration
import Harness
import Testing

@Suite struct PlanTests {
  @Test func smallestGridHasAllDefaults() throws {
    let plan = try plan(GoodGrids.smallest)
    #expect(plan.name == "smallest")
    #expect(plan.description == "")
    #expect(plan.tunedPaths == [])
    let cell = try #require(plan.cells.first)
    #expect(plan.cells.count == 1)
    let settings: [String: SettingValue] = ["length": .range(3...40), "mode": .text("final")]
    #expect(
      cell.configuration.task
        == TaskConfiguration(
          name: "parity", train: [.init(settings: settings, examples: nil)],
          validation: [.init(settings: settings, examples: 1000)],
          test: [.init(settings: settings, examples: 1000)]))
    #expect(try cell.configuration.model == ModelConfiguration(mixers: [.init(name: "gru")]))
    #expect(try cell.configuration.training == TrainingConfiguration())
    #expect(cell.configuration.seed == 0)
    #expect((cell.taskLabel, cell.modelLabel) == ("parity", "gru"))
  }

  @Test func sectionsCombineByProduct() throws {
    let plan = try plan(GoodGrids.sections)
    // zip 2 × models 2 × each (1 + 2 + 1) × learning rates 2 × seeds 3
    #expect(plan.cells.count == 2 * 2 * 4 * 2 * 3)
    #expect(Set(plan.cells.map(\.configuration)).count == plan.cells.count)
    #expect(plan.tunedPaths == ["training.learningRate"])
    #expect(plan.cells.allSatisfy { $0.tuned == ["training.learningRate"] })
    #expect(
      plan.cells.map(\.taskLabel).runs == ["mqar length=64 pairs=4", "mqar length=128 pairs=8"])
  }

  @Test func sectionsHoldWhatTheySay() throws {
    let configurations = try plan(GoodGrids.sections).cells.map(\.configuration)
    let segments = configurations.flatMap { $0.task.train + $0.task.validation + $0.task.test }
    let pairs = Set(segments.map { [$0.settings["length"], $0.settings["pairs"]] })
    #expect(pairs == [[.integer(64), .integer(4)], [.integer(128), .integer(8)]])
    #expect(Set(configurations.map(\.training.batch)) == [32, 64, 128])
    #expect(Set(configurations.map(\.model.norm)) == [.rms, .layer])
    // One factor at a time: no cell has both a batch and a norm that are not the baseline's.
    #expect(configurations.allSatisfy { $0.training.batch == 32 || $0.model.norm == .rms })
    #expect(Set(configurations.map(\.training.learningRate)) == [1e-3, 3e-3])
    #expect(
      configurations.allSatisfy { $0.training.steps == 1000 && $0.task.train[0].examples == 20000 })
    #expect(Set(configurations.map(\.seed)) == [0, 1, 2])
  }

  @Test func orderIsTasksModelsTrainingSeeds() throws {
    let text = """
      name: order
      baseline: {task: mqar, model: {mixer: gru}}
      product:
        seed: [5, 3]
        training.learningRate: [1e-2, 1e-3]
        model.mixer: [gru, attention]
        task: [parity, mqar]
      """
    let rows = try plan(text).cells.map { cell in
      let configuration = cell.configuration
      return [
        configuration.task.name, configuration.model.mixers[0].name,
        String(configuration.training.learningRate), String(configuration.seed),
      ]
    }
    var expected: [[String]] = []
    for task in ["parity", "mqar"] {
      for mixer in ["gru", "attention"] {
        for rate in ["0.01", "0.001"] {
          for seed in ["5", "3"] { expected.append([task, mixer, rate, seed]) }
        }
      }
    }
    #expect(rows == expected)
    #expect(try plan(text).cells == plan(text).cells)
  }

  @Test func objectsWithANameReplaceAndOthersMerge() throws {
    let text = """
      name: merge
      baseline:
        task: {name: mqar, length: 128, pairs: 8, train: {examples: 500, length: 32}}
        model: {mixer: {name: delta-net, heads: 2, eigenvalues: signed}, width: 32}
        training: {steps: 50, warmup: 10}
      product:
        task:
          - {name: mqar, train: {}}
          - {pairs: 6, train: {examples: 600}}
        model:
          - {mixer: {heads: 4}}
          - {mixer: {name: delta-net}, layers: 3}
        training: [{steps: 60}]
      """
    let cells = try plan(text).cells.map(\.configuration)
    #expect(cells.count == 4)
    #expect(cells[0].task.train[0].settings["length"] == .integer(64))
    #expect(cells[0].task.train[0].examples == nil)
    #expect(cells[2].task.train[0].settings["length"] == .integer(32))
    #expect(cells[2].task.test[0].settings["length"] == .integer(128))
    #expect(cells[2].task.train[0].settings["pairs"] == .integer(6))
    #expect(cells[2].task.train[0].examples == 600)
    #expect(cells[0].model.mixers[0].settings["heads"] == .integer(4))
    #expect(cells[0].model.mixers[0].settings["eigenvalues"] == .text("signed"))
    #expect(cells[1].model.mixers[0].settings["heads"] == .integer(1))
    #expect(cells[1].model.mixers[0].settings["eigenvalues"] == .text("unit"))
    #expect(cells[1].model.layers == 3)
    #expect(cells[1].model.width == 32)
    #expect(cells.allSatisfy { $0.training.steps == 60 && $0.training.warmup == 10 })
  }

  @Test func equalCellsArePlannedOnce() throws {
    let text = """
      name: twice
      baseline: {task: mqar, model: {mixer: gru, width: 64}}
      product:
        seed: [0, 0, 1]
      each:
        model.width: [64, 64.0, 32]
        model.mixer: [gru, {name: gru}]
      """
    #expect(try plan(text).cells.map(\.configuration.model.width) == [64, 64, 32, 32])
  }

  @Test func segmentsAndPathsIntoSplits() throws {
    let cells = try plan(GoodGrids.segments).cells
    #expect(cells.count == 4)
    let task = cells[0].configuration.task
    #expect(task.train.map(\.examples) == [100_000, 20_000])
    #expect(task.train.map { $0.settings["pairs"] } == [.integer(4), .integer(8)])
    #expect(task.validation.map(\.examples) == [1000])
    #expect(task.test.map(\.examples) == [1000, 1000])
    #expect(task.test[1].settings["length"] == .integer(256))
    #expect(cells[3].configuration.task.validation[0].examples == 10)
  }

  @Test func patternsRepeatOverTheLayers() throws {
    let cell = try #require(try plan(GoodGrids.hybrid).cells.first)
    let model = cell.configuration.model
    #expect(model.mixers.map(\.name) == ["attention", "delta-net", "delta-net"])
    #expect(model.mixers[1].settings["shortConvolution"] == .flag(false))
    #expect(model.mixer(ofLayer: 5).settings["shortConvolution"] == .flag(true))
    #expect((model.positions, model.channelMixer) == (.rotary, .swiglu))
    #expect(cell.modelLabel == "attention+delta-net+delta-net")
  }

  @Test func widthsAreSolvedForEachTask() throws {
    let cells = try plan(GoodGrids.matched).cells
    let widths = cells.map(\.configuration.model.width)
    // Two layers; attention keeps 2·128 floats a channel, the delta rule d²/4.
    #expect(widths == [16, 128, 96, 16, 128, 96])
    let targets = cells.map { $0.match?.description ?? "" }
    #expect(
      targets
        == Array(repeating: ["stateBytes=32768", "stateBytes=32768", ""], count: 2).flatMap(\.self))
    #expect(
      cells.map(\.modelLabel).runs == [
        "attention", "delta-net", "gru", "attention", "delta-net", "gru",
      ])
  }

  @Test func matchedWidthsAreMultiplesOfAllHeads() throws {
    let text = """
      name: heads
      baseline:
        task: mqar
        model:
          mixer: [{name: attention, heads: 4}, {name: delta-net, heads: 6}]
          match: {parameters: 100_000}
      """
    let model = try #require(try plan(text).cells.first).configuration.model
    // 8 d² + 256 d: 96 gives 98,304 and 108 gives 120,960.
    #expect(model.width == 96)
  }

  @Test func impossibleWidthsGiveWayToTheirNeighbours() throws {
    let text = """
      name: rotary
      baseline:
        task: mqar
        model:
          mixer: {name: attention, heads: 4}
          positions: rotary
          match: {parameters: 50_000}
      """
    let model = try #require(try plan(text).cells.first).configuration.model
    // 8 d² + 256 d is nearest to the target at 4 · 16 = 64 with 49,152; odd multiples of 4 heads
    // are impossible.
    #expect(model.width == 64)
    let odd = text.replacing("50_000", with: "42_000")
    #expect(try plan(odd).cells.first?.configuration.model.width == 56)
  }

  @Test func numbersHaveOneNormalForm() throws {
    let text = """
      name: numbers
      baseline:
        task: {name: mqar, gapExponent: 0, length: 6_4}
        model: {mixer: gru, channelRatio: 2}
        training: {steps: 1e6, learningRate: -0.0, weightDecay: -0, clip: 1E0, epsilon: .5}
      """
    let cell = try #require(try plan(text).cells.first).configuration
    #expect(cell.task.train[0].settings["gapExponent"] == .number(0))
    #expect(cell.task.train[0].settings["length"] == .integer(64))
    #expect(cell.training.steps == 1_000_000)
    #expect(cell.training.learningRate.sign == .plus)
    #expect(cell.training.weightDecay.sign == .plus)
    #expect(cell.training.epsilon == 0.5)
    #expect(cell.model.channelRatio == 2)
  }

  @Test func windowsLineEndingsAndAByteOrderMarkAreAccepted() throws {
    let text =
      "\u{FEFF}"
      + GoodGrids.sections.split(
        separator: "\n", omittingEmptySubsequences: false
      ).joined(separator: "\r\n")
    #expect(try plan(text).cells == plan(GoodGrids.sections).cells)
  }

  @Test func largeGridsArePlannedInTime() throws {
    let seeds = (0..<500).map(String.init).joined(separator: ", ")
    let text = """
      name: large
      baseline: {task: mqar, model: {mixer: gru}}
      product:
        seed: [\(seeds)]
        model.width: [8, 16, 24, 32]
        task.length: [32, 64, 128, 256, 512]
      """
    #expect(try plan(text).cells.count == 10_000)
  }
}

extension Array where Element: Equatable {
  /// The elements without immediate repetitions.
  var runs: [Element] {
    reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }
}
