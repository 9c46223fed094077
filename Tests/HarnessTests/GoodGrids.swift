/// Grids that must be accepted; the mutation test starts from them.
enum GoodGrids {
  static let all = [smallest, sections, labels, matched, hybrid, segments]

  static let smallest = """
    name: smallest
    baseline:
      task: parity
      model: {mixer: gru}

    """

  static let sections = """
    # Every section, and every way to write an axis.
    name: every-section
    description: Recall against width, one factor at a time.
    baseline:
      task:
        name: mqar
        vocabulary: 128
        length: 64
        train: {examples: 20_000}
        validation: {examples: 512}
      model: {mixer: attention, width: 64, layers: 2}
      training:
        steps: 1e3
        batch: 32
        schedule: linear
      seed: 7
    product:
      seed: [0, 1, 2]
      model:
        - mixer: attention
        - {mixer: {name: delta-net, eigenvalues: signed}}
    each:
      training.batch: [64, 128]
      model.norm: [layer]
    zip:
      task.length: [64, 128]
      task.pairs: [4, 8]
    tune:
      training.learningRate: [1e-3, 3e-3]

    """

  static let labels = """
    name: labels
    baseline:
      task: mqar
      model: {mixer: attention}
    product:
      task:
        - {name: mqar, length: 128, label: Recall}
        - {name: parity, mode: running}
        - {name: parity, length: {from: 3, to: 80}}
      model:
        - {mixer: delta-net, label: "DeltaNet ±"}
        - {mixer: {name: delta-net, eigenvalues: signed}}
        - {mixer: gru}
      model.width: [64, 128]

    """

  static let matched = """
    name: matched
    baseline:
      task: {name: mqar, test: {length: 128}}
      model: {mixer: attention, match: {stateBytes: 32768}}
    product:
      task.length: [64, 128]
      model:
        - {}
        - {mixer: {name: delta-net, heads: 4}}
        - {mixer: gru, width: 96}

    """

  static let hybrid = """
    name: hybrid
    baseline:
      task: mqar
      model:
        mixer: [attention, {name: delta-net, shortConvolution: false}, delta-net]
        layers: 6
        positions: rotary
        channelMixer: swiglu

    """

  static let segments = """
    name: segments
    baseline:
      task:
        name: mqar
        train:
          - {length: 64, examples: 100_000}
          - {length: 128, pairs: 8, examples: 20_000}
        test:
          - {length: 64, examples: 1000}
          - {length: 256, pairs: 32}
      model: {mixer: gru}
    each:
      task.filler: [zero, random]
      task.validation.examples: [10]

    """
}
