extension BadGrid {
  /// Names, sections and keys.
  static let section = cases(
    #"""
    == no name
    baseline:
      task: mqar
      model: {mixer: gru}
    -> g.yaml:1:1: the grid has no name; write 'name: my-grid' in it

    == a name with a slash
    name: ../g
    baseline: {}
    -> g.yaml:1:7: 'name' is the text "../g"; it must be a word of a-z, 0-9 and '-', of at most 64 characters

    == a name like an option
    name: -rf
    baseline: {}
    -> g.yaml:1:7: 'name' is the text "-rf"; it must be a word of a-z, 0-9 and '-', of at most 64 characters

    == a name in capitals
    name: Quick
    baseline: {}
    -> g.yaml:1:7: 'name' is the text "Quick"; it must be a word of a-z, 0-9 and '-', of at most 64 characters

    == a name with a space
    name: a b
    baseline: {}
    -> g.yaml:1:7: 'name' is the text "a b"; it must be a word of a-z, 0-9 and '-', of at most 64 characters

    == a number as a name
    name: 7
    baseline: {}
    -> g.yaml:1:7: 'name' is 7; it must be a word of a-z, 0-9 and '-', of at most 64 characters

    == a description of two lines
    name: g
    description: "a\nb"
    baseline: {}
    -> g.yaml:2:14: 'description' is the text "a\u{a}b"; it must be one line of at most 200 printable characters

    == no baseline
    name: g
    -> g.yaml:1:1: the grid has no baseline; write 'baseline:' with a task and a model in it

    == an empty baseline
    name: g
    baseline:
    -> g.yaml:2:10: 'baseline' is empty; it must be a mapping with task, model, training and seed

    == a baseline without a task
    name: g
    baseline:
      model: {mixer: gru}
    -> g.yaml:3:3: the baseline has no task; write 'task: {name: mqar}' in it

    == a baseline without a model
    name: g
    baseline:
      task: mqar
    -> g.yaml:3:3: the baseline has no model; write 'model: {mixer: attention}' in it

    == an unknown section
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    prodct:
      seed: [0]
    -> g.yaml:5:1: unknown key 'prodct'; did you mean 'product'? a grid knows: name, description, baseline, product, each, zip, tune

    == an unknown part of the baseline
    name: g
    baseline:
      tsk: mqar
    -> g.yaml:3:3: unknown key 'tsk'; did you mean 'task'? a baseline knows: task, model, training, seed

    == an empty part
    name: g
    baseline:
      task:
      model: {mixer: gru}
    -> g.yaml:3:8: 'task' is empty; it must be given or left out

    == an empty section
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
    -> g.yaml:5:9: 'product' is empty; it must be a mapping from paths to lists, such as 'model.width: [64, 128]'

    == a section without axes
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product: {}
    -> g.yaml:5:10: 'product' is an empty mapping; it must be a mapping from paths to lists, such as 'model.width: [64, 128]'

    == a list as a section
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product: [1]
    -> g.yaml:5:10: 'product' is a list; it must be a mapping from paths to lists, such as 'model.width: [64, 128]'

    == an unknown key in training
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
      training: {lerning_rate: 1e-3}
    -> g.yaml:5:14: unknown key 'lerning_rate'; did you mean 'learningRate'? training knows: steps, batch, learningRate, schedule, warmup, finalFraction, weightDecay, beta1, beta2, epsilon, clip, evaluateEvery, stopAt

    == an unknown key in a model
    name: g
    baseline:
      task: mqar
      model: {mixer: gru, widht: 64}
    -> g.yaml:4:23: unknown key 'widht'; did you mean 'width'? model knows: mixer, match, label, width, layers, channelMixer, channelRatio, positions, norm, tiedHead, initialScale

    == an unknown key in a task
    name: g
    baseline:
      task: {name: mqar, lenght: 64}
      model: {mixer: gru}
    -> g.yaml:3:22: unknown key 'lenght'; did you mean 'length'? task mqar knows: name, train, validation, test, label, vocabulary, length, pairs, gapExponent, filler

    == an unknown key in a segment
    name: g
    baseline:
      task: {name: mqar, test: {exmples: 5}}
      model: {mixer: gru}
    -> g.yaml:3:29: unknown key 'exmples'; did you mean 'examples'? a segment of task mqar knows: examples, vocabulary, length, pairs, gapExponent, filler

    == an unknown key in a mixer
    name: g
    baseline:
      task: mqar
      model: {mixer: {name: delta-net, eigenvalue: signed}}
    -> g.yaml:4:36: unknown key 'eigenvalue'; did you mean 'eigenvalues'? mixer delta-net knows: name, heads, eigenvalues, shortConvolution

    == an unknown task
    name: g
    baseline:
      task: {name: mqr}
      model: {mixer: gru}
    -> g.yaml:3:16: unknown task 'mqr'; did you mean 'mqar'? known are: mqar, parity

    == an unknown mixer
    name: g
    baseline:
      task: mqar
      model: {mixer: delta-nt}
    -> g.yaml:4:18: unknown mixer 'delta-nt'; did you mean 'delta-net'? known are: attention, delta-net, gru

    == an unknown mixer far from all
    name: g
    baseline:
      task: mqar
      model: {mixer: transformer-xl}
    -> g.yaml:4:18: unknown mixer 'transformer-xl'; known are: attention, delta-net, gru

    == a task without a name
    name: g
    baseline:
      task: {length: 64}
      model: {mixer: gru}
    -> g.yaml:3:9: the task has no name; write 'name: mqar' in it

    == a mixer without a name
    name: g
    baseline:
      task: mqar
      model: {mixer: [{heads: 2}]}
    -> g.yaml:4:19: the mixer has no name; write 'name: attention' in it

    == a model without a mixer
    name: g
    baseline:
      task: mqar
      model: {width: 64}
    -> g.yaml:4:10: the model has no mixer; write 'mixer: attention' in it

    == a setting of a mixer without settings
    name: g
    baseline:
      task: mqar
      model: {mixer: {name: gru, heads: 2}}
    -> g.yaml:4:30: unknown key 'heads'; mixer gru knows: name
    """#)
}
