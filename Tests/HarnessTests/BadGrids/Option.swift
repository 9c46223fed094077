extension BadGrid {
  /// What the command line adds.
  static let option = cases(
    #"""
    == --set without a value
    !! --set training.steps
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: there is no 'key=value'; write --set training.steps=500

    == --set of an unknown path
    !! --set steps=500
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set steps: unknown path 'steps'; did you mean 'training.steps'? a path starts with task, model, training or seed

    == --set of a misspelt setting
    !! --set training.setps=500
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.setps: unknown path 'training.setps'; did you mean 'training.steps'? training knows: steps, batch, learningRate, schedule, warmup, finalFraction, weightDecay, beta1, beta2, epsilon, clip, evaluateEvery, stopAt

    == --set of an unknown task setting
    !! --set task.lenght=500
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set task.lenght: unknown key 'lenght'; did you mean 'length'? task mqar knows: name, train, validation, test, label, vocabulary, length, pairs, gapExponent, filler

    == --set of a wrong value
    !! --set training.steps=many
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: 'steps' is the text "many"; it must be a whole number from 1 to 1000000000

    == --set of a number in quotes
    !! --set training.steps="64"
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: 'steps' is the text "64"; it must be a whole number from 1 to 1000000000

    == --set of nothing
    !! --set training.steps=
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: 'steps' is empty; it must be a whole number from 1 to 1000000000

    == --set of a list
    !! --set training.steps=[1, 2]
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: 'steps' is a list; it must be a whole number from 1 to 1000000000; a list is an axis only under 'product', 'each', 'zip' and 'tune'

    == --set of what is not YAML
    !! --set training.steps=[1, 2
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: not YAML: did not find expected ',' or ']' while parsing a flow sequence

    == --set of an anchor
    !! --set training.steps=&a 2
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.steps: anchors and aliases (&, *) are not part of the grid format; write the value out, or put a text with these signs in quotes

    == --set that is impossible with the file
    !! --set training.warmup=2000
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --set training.warmup: 'warmup' (2000) is longer than 'steps' (1000); it must be a part of the steps

    == --set that is impossible with an axis
    !! --set task.length=8
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task.pairs: [2, 4]
    -> g.yaml:6:19: 4 pairs do not fit into length 8; at most 2 do

    == --set into a pattern
    !! --set model.mixer.heads=2
    name: g
    baseline:
      task: mqar
      model: {mixer: [gru, attention]}
    -> --set model.mixer.heads: the path 'model.mixer.heads' leads nowhere; 'model.mixer' is a list (line 4)

    == --seeds that are no numbers
    !! --seeds a..b
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --seeds a..b: not a list of seeds; write --seeds 0..4, --seeds 7 or --seeds 0,2,5

    == --seeds backwards
    !! --seeds 4..0
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --seeds 4..0: not a list of seeds; write --seeds 0..4, --seeds 7 or --seeds 0,2,5

    == --seeds without end
    !! --seeds 0..99999999999
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --seeds 0..99999999999: not a list of seeds; write --seeds 0..4, --seeds 7 or --seeds 0,2,5

    == --seeds negative
    !! --seeds -1
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --seeds -1: not a list of seeds; write --seeds 0..4, --seeds 7 or --seeds 0,2,5

    == --only without a key
    !! --only delta-net
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --only delta-net: there is no 'key=value'; write --only 'architecture=delta-net'

    == --only of an unknown key
    !! --only architectur=gru
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --only architectur=gru: unknown key 'architectur'; did you mean 'architecture'? cells are chosen by task, architecture, model, seed, label

    == --only of nothing
    !! --only architecture=
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --only architecture=: there is nothing after '='; a * matches all

    == --only of a seed that is none
    !! --only seed=first
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> --only seed=first: 'first' is not a seed; write 3 or 0..4

    == --only that selects nothing
    !! --only architecture=mamba*
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model.mixer: [gru, delta-net]
    -> --only architecture=mamba*: no cell matches; the grid has: gru, delta-net

    == --only seeds that are not there
    !! --only seed=2..4
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: [0, 1]
    -> --only seed=2..4: no cell matches; the grid has: 0, 1

    == --only options that exclude each other
    !! --only architecture=gru
    !! --only label=*d=64
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model: [{mixer: gru, width: 32}, {mixer: delta-net, width: 64}]
    -> --only label=*d=64: no cell matches; the grid has: mqar, gru, delta-net
    """#)
}
