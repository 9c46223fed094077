extension BadGrid {
  /// Values that are right one by one and impossible together.
  static let combination = cases(
    #"""
    == pairs that do not fit
    name: g
    baseline:
      task: {name: mqar, length: 32, pairs: 16}
      model: {mixer: gru}
    -> g.yaml:3:41: 16 pairs do not fit into length 32; at most 8 do

    == pairs that do not fit into a segment
    name: g
    baseline:
      task: {name: mqar, pairs: 16, test: [{length: 64}, {length: 32}]}
      model: {mixer: gru}
    -> g.yaml:3:29: 16 pairs do not fit into length 32; at most 8 do

    == an axis element that is impossible with the baseline
    name: g
    baseline:
      task: {name: mqar, length: 64, pairs: 16}
      model: {mixer: gru}
    product:
      task.length: [128, 32]
    -> g.yaml:6:22: 16 pairs do not fit into length 32; at most 8 do

    == two axis elements that are impossible together
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task.length: [32, 64]
      task.pairs: [8, 16]
    -> g.yaml:7:19: 16 pairs do not fit into length 32; at most 8 do

    == a default that is impossible with one axis in a task from another
    name: g
    baseline:
      model: {mixer: gru}
    product:
      task: [{name: mqar}]
      task.length: [64, 8]
    -> g.yaml:6:21: 4 pairs do not fit into length 8; at most 2 do

    == a zipped pair that is impossible
    name: g
    baseline:
      task: {name: mqar, pairs: 16}
      model: {mixer: gru}
    zip:
      task.length: [64, 32]
      seed: [0, 1]
    -> g.yaml:6:21: 16 pairs do not fit into length 32; at most 8 do

    == heads that do not divide the width
    name: g
    baseline:
      task: mqar
      model: {mixer: {name: attention, heads: 3}, width: 64}
    -> g.yaml:4:43: 3 heads do not divide the width 64; the width must be a multiple of the heads

    == a width in an axis that the heads do not divide
    name: g
    baseline:
      task: mqar
      model: {mixer: {name: attention, heads: 4}}
    product:
      model.width: [64, 66]
    -> g.yaml:6:21: 4 heads do not divide the width 66; the width must be a multiple of the heads

    == rotary positions without attention
    name: g
    baseline:
      task: mqar
      model: {mixer: gru, positions: rotary}
    -> g.yaml:4:34: 'positions' is rotary and no layer is attention; only attention has rotary positions

    == rotary positions with one mixer of an axis
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, positions: rotary}
    product:
      model: [{mixer: attention}, {mixer: gru}]
    -> g.yaml:6:31: 'positions' is rotary and no layer is attention; only attention has rotary positions

    == a pattern longer than the layers
    name: g
    baseline:
      task: mqar
      model: {mixer: [gru, gru, attention]}
    -> g.yaml:4:18: the pattern has 3 mixers for 2 layers; every mixer of the pattern needs a layer

    == fewer layers in an axis than mixers in the pattern
    name: g
    baseline:
      task: mqar
      model: {mixer: [gru, attention]}
    product:
      model.layers: [2, 1]
    -> g.yaml:6:21: the pattern has 2 mixers for 1 layer; every mixer of the pattern needs a layer

    == a warm-up longer than the training
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 100, warmup: 200}
    -> g.yaml:5:34: 'warmup' (200) is longer than 'steps' (100); it must be a part of the steps

    == a training in an axis that is shorter than the warm-up
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {warmup: 200}
    product:
      training.steps: [1000, 100]
    -> g.yaml:7:26: 'warmup' (200) is longer than 'steps' (100); it must be a part of the steps

    == a stop that nothing can reach
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 100, stopAt: 0.99, evaluateEvery: 100}
    -> g.yaml:5:34: 'stopAt' can stop nothing: the first validation is after the last step; 'evaluateEvery' (100) must be less than 'steps' (100)

    == a training set smaller than the batch
    name: g
    baseline:
      task: {name: mqar, train: {examples: 32}}
      model: {mixer: gru}
    -> g.yaml:3:40: 32 training examples are fewer than a batch (64); give at least 64, or a smaller 'training.batch'

    == a batch in an axis larger than the training set
    name: g
    baseline:
      task: {name: mqar, train: {examples: 64}}
      model: {mixer: gru}
    product:
      training.batch: [64, 128]
    -> g.yaml:6:24: 64 training examples are fewer than a batch (128); give at least 128, or a smaller 'training.batch'

    == a training set in an axis smaller than the batch
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task.train.examples: [64, 32]
    -> g.yaml:6:29: 32 training examples are fewer than a batch (64); give at least 64, or a smaller 'training.batch'

    == fixed segments beside streams
    name: g
    baseline:
      task: {name: mqar, train: [{length: 32}, {examples: 64}]}
      model: {mixer: gru}
    -> g.yaml:3:55: some training segments are fixed and some are streams; give 'examples' to every training segment or to none

    == width and match
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, width: 64, match: {parameters: 20000}}
    -> g.yaml:4:36: 'width' is solved for to reach parameters=20000; give 'width' or 'match', not both

    == two targets
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, match: {parameters: 20000, stateBytes: 32768}}
    -> g.yaml:4:36: 'match' has 2 targets; it must have one: {stateBytes: 32768} or {parameters: 200000}

    == no target
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, match: {}}
    -> g.yaml:4:36: 'match' has 0 targets; it must have one: {stateBytes: 32768} or {parameters: 200000}

    == an unknown target
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, match: {params: 20000}}
    -> g.yaml:4:37: unknown key 'params'; match knows: stateBytes, parameters

    == a target that is no number
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, match: {parameters: few}}
    -> g.yaml:4:49: 'parameters' is the text "few"; it must be a whole number from 1 to 1000000000000

    == a target that is too small
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, match: {stateBytes: 10}}
    -> g.yaml:4:36: no width gives stateBytes=10; the nearest is width 1 with 1024

    == a target between two widths
    name: g
    baseline:
      task: mqar
      model: {mixer: {name: attention, heads: 64}, match: {parameters: 80000}}
    -> g.yaml:4:55: no width gives parameters=80000; the nearest is width 64 with 49152

    == a target out of reach on one of the tasks
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, match: {stateBytes: 4096}}
    product:
      task.length: [64, 65536]
    -> g.yaml:6:21: no width gives stateBytes=4096; the nearest is width 1 with 1048576
    """#)
}
