import Harness
import Testing

@Suite struct LabelTests {
  @Test func labelsSayWhatDiffers() throws {
    let cells = try plan(GoodGrids.labels).cells
    #expect(
      cells.map(\.taskLabel).runs
        == ["Recall", "parity length=3..40 running", "parity length=3..80 final"])
    #expect(
      cells.prefix(6).map(\.modelLabel)
        == [
          "DeltaNet ± d=64", "DeltaNet ± d=128", "delta-net d=64", "delta-net d=128", "gru d=64",
          "gru d=128",
        ])
  }

  @Test func mixerSettingsFollowTheirMixer() throws {
    let text = """
      name: mixers
      baseline: {task: mqar, model: {mixer: gru}}
      product:
        model:
          - mixer: [attention, {name: delta-net, eigenvalues: signed}]
          - mixer: [attention, delta-net]
          - mixer: [{name: attention, heads: 2}, delta-net]
          - mixer: {name: delta-net, shortConvolution: false}
          - mixer: delta-net
      """
    #expect(
      try plan(text).cells.map(\.modelLabel) == [
        "attention heads=1+delta-net signed", "attention heads=1+delta-net unit",
        "attention heads=2+delta-net unit", "delta-net shortConvolution=false",
        "delta-net shortConvolution=true",
      ])
  }

  @Test func splitsAreNamedWhereTheyDiffer() throws {
    let text = """
      name: splits
      baseline: {task: {name: mqar}, model: {mixer: gru}}
      product:
        task:
          - {train: {examples: 1000}, test: [{length: 64}, {length: 128}]}
          - {train: {examples: 2000}, test: [{length: 256}]}
      """
    #expect(
      try plan(text).cells.map(\.taskLabel) == [
        "mqar test.length=64,128 train.examples=1000", "mqar test.length=256 train.examples=2000",
      ])
  }

  @Test func trainingIsNamedOnlyWhereItIsCompared() throws {
    let zipped = """
      name: zipped
      baseline: {task: mqar, model: {mixer: gru}}
      zip: {task.length: [64, 128], training.batch: [64, 32]}
      tune: {training.learningRate: [1e-3, 1e-2], model.initialScale: [0.02, 0.1]}
      """
    #expect(try plan(zipped).cells.map(\.modelLabel).runs == ["gru"])
    let compared = zipped.replacing("zip:", with: "product:")
    #expect(
      try plan(compared).cells.map(\.modelLabel).runs.prefix(2) == ["gru batch=64", "gru batch=32"])
  }

  @Test func givenLabelsStandAloneWhereTheTaskTellsModelsApart() throws {
    let text = """
      name: depths
      baseline: {task: mqar, model: {mixer: gru}}
      zip: {task.length: [64, 128], model.layers: [2, 3]}
      product: {model: [{mixer: gru, label: small}, {mixer: attention}]}
      """
    #expect(
      Set(try plan(text).cells.map(\.modelLabel))
        == ["small", "attention layers=2", "attention layers=3"])
    let crossed = text.replacing(
      "zip: {task.length: [64, 128], model.layers: [2, 3]}\nproduct: {",
      with: "product: {task.length: [64, 128], model.layers: [2, 3], ")
    #expect(
      Set(try plan(crossed).cells.map(\.modelLabel))
        == ["small layers=2", "small layers=3", "attention layers=2", "attention layers=3"])
  }

  @Test func labelsCanMoveWithAnAxis() throws {
    let text = """
      name: sizes
      baseline: {task: mqar, model: {mixer: gru, label: base}}
      zip: {model.width: [32, 512], model.label: [small, large]}
      """
    #expect(try plan(text).cells.map(\.modelLabel) == ["small", "large"])
  }

  @Test func theBaselinesLabelDoesNotNameOtherModels() throws {
    let text = """
      name: base
      baseline: {task: {name: mqar, label: Base}, model: {mixer: gru, label: mine}}
      each: {model.mixer: [attention], task: [parity]}
      """
    let cells = try plan(text).cells
    #expect(cells.map(\.taskLabel) == ["Base", "Base", "parity"])
    #expect(cells.map(\.modelLabel) == ["mine", "attention", "mine"])
  }

  @Test func labelsAreUniqueAndShort() throws {
    let lengths = (4...40).map { "{length: \($0 * 8)}" }.joined(separator: ", ")
    let text = """
      name: long
      baseline: {task: mqar, model: {mixer: attention}}
      product:
        task: [{test: [\(lengths)]}, {test: [\(lengths), {length: 4096}]}]
        model: [{mixer: gru, label: attention}, {mixer: attention}]
      """
    let cells = try plan(text).cells
    #expect(Set(cells.map { [$0.taskLabel, $0.modelLabel] }).count == cells.count)
    #expect(cells.allSatisfy { $0.taskLabel.count <= 68 })
    #expect(cells.prefix(2).map(\.modelLabel) == ["attention", "attention #2"])
  }
}
