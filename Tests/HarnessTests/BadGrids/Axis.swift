extension BadGrid {
  /// Axes and their paths, sizes and labels.
  static let axis = cases(
    #"""
    == an axis that is no list
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: 3
    -> g.yaml:6:9: the axis 'seed' is 3; it must be the list of its values, such as [3]

    == an axis that is a range
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: {from: 0, to: 4}
    -> g.yaml:6:9: the axis 'seed' is {from: 0, to: 4}; it must be the list of its values, such as [64, 128]

    == an axis with an empty list
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model.width: []
    -> g.yaml:6:16: the axis 'model.width' has no values; give at least one

    == an empty value of an axis
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: [0, ]
      model.width: [64, ~]
    -> g.yaml:7:21: a value of the axis 'model.width' is empty

    == a path to nowhere
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      steps: [10, 20]
    -> g.yaml:6:3: unknown path 'steps'; did you mean 'training.steps'? a path starts with task, model, training or seed

    == a misspelt part
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      trainning.steps: [10, 20]
    -> g.yaml:6:3: unknown path 'trainning.steps'; did you mean 'training.steps'? a path starts with task, model, training or seed

    == a misspelt setting in a path
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      training.stps: [10, 20]
    -> g.yaml:6:3: unknown path 'training.stps'; did you mean 'training.steps'? training knows: steps, batch, learningRate, schedule, warmup, finalFraction, weightDecay, beta1, beta2, epsilon, clip, evaluateEvery, stopAt

    == a misspelt task setting in a path
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task.lenght: [64, 128]
    -> g.yaml:6:3: unknown key 'lenght'; did you mean 'length'? task mqar knows: name, train, validation, test, label, vocabulary, length, pairs, gapExponent, filler

    == a path with an empty part
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model..width: [64]
    -> g.yaml:6:3: the path 'model..width' has an empty part

    == a path too deep
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      training.steps.more: [64]
    -> g.yaml:6:3: unknown path 'training.steps.more'; 'training.steps' has no parts

    == a path below the seed
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed.x: [64]
    -> g.yaml:6:3: unknown path 'seed.x'; 'seed' has no parts

    == a path into a scalar
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task.length.to: [64]
    -> g.yaml:6:3: the range 'length' has no 'from'; write {from: 3, to: 40}

    == a path into segments
    name: g
    baseline:
      task: {name: mqar, test: [{length: 64}, {length: 128}]}
      model: {mixer: gru}
    product:
      task.test.length: [64]
    -> g.yaml:6:3: the path 'task.test.length' leads nowhere; 'task.test' is a list (line 3)

    == a task in the place of one with splits
    name: g
    baseline:
      task: {name: mqar, train: {length: 32}, test: {length: 128}}
      model: {mixer: gru}
    product:
      task:
        - {label: recall}
        - {name: parity, label: parity, test: {length: 64}}
    -> g.yaml:8:7: this task replaces the baseline's, which has 'train'; a task with a name takes nothing over; give 'train' here too, or 'train: {}'

    == a path into a pattern
    name: g
    baseline:
      task: mqar
      model: {mixer: [gru, attention]}
    product:
      model.mixer.heads: [2]
    -> g.yaml:6:3: the path 'model.mixer.heads' leads nowhere; 'model.mixer' is a list (line 4)

    == the same path in two sections
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: [0, 1]
    zip:
      seed: [0, 1]
    -> g.yaml:8:3: 'seed' is already set by 'seed' under 'product' (line 6); a setting can be in one axis only

    == an element that another axis sets
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model: [{width: 32}]
      model.width: [64, 128]
    -> g.yaml:6:12: 'model.width' is also an axis of its own under 'product' (line 7); give the value here or there, not both

    == width and match as axes
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model.width: [32]
      model.match: [{parameters: 10000}]
    -> g.yaml:7:3: 'model.match' is already set by 'model.width' under 'product' (line 6); a setting can be in one axis only

    == a match in an element under a width axis
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model: [{match: {parameters: 10000}}]
    tune:
      model.width: [64, 128]
    -> g.yaml:6:12: 'model.width' is also an axis of its own under 'tune' (line 8); give the value here or there, not both

    == zipped axes of different lengths
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    zip:
      task.length: [64, 128, 256]
      task.pairs: [4, 8]
    -> g.yaml:7:15: the zipped axes differ in length: 'task.pairs' has 2 values, 'task.length' has 3; they move together, so each needs as many as the others

    == a wrong value in an axis
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      training.steps: [10, ten]
    -> g.yaml:6:24: 'steps' is the text "ten"; it must be a whole number from 1 to 1000000000

    == a list as a value of an axis
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      training.steps: [[10, 20]]
    -> g.yaml:6:20: 'steps' is a list; it must be a whole number from 1 to 1000000000; a list is an axis only under 'product', 'each', 'zip' and 'tune'

    == a wrong value in an element
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task:
        - name: mqar
          pairs: 4
        - name: mqar
          pairs: none
    -> g.yaml:10:14: 'pairs' is the text "none"; it must be a whole number from 1 to 4096

    == an unknown mixer in an axis
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model.mixer: [attention, deltanet]
    -> g.yaml:6:28: unknown mixer 'deltanet'; did you mean 'delta-net'? known are: attention, delta-net, gru

    == a setting that one of the mixers lacks
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model.mixer: [delta-net, gru]
      model.mixer.heads: [1, 2]
    -> g.yaml:7:3: unknown key 'heads'; mixer gru knows: name

    == a seed axis out of range
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: [0, -1]
    -> g.yaml:6:13: 'seed' is -1; it must be a whole number from 0 to 4294967295

    == a tuned task
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    tune:
      task.length: [64, 128]
    -> g.yaml:6:3: 'task.length' cannot be tuned; single settings of 'training' and 'model' are chosen on validation; compare other values under 'product'

    == a tuned mixer
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    tune:
      model.mixer: [gru, attention]
    -> g.yaml:6:3: 'model.mixer' cannot be tuned; single settings of 'training' and 'model' are chosen on validation; compare other values under 'product'

    == a tuned section
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    tune:
      training: [{steps: 5}]
    -> g.yaml:6:3: 'training' cannot be tuned; single settings of 'training' and 'model' are chosen on validation; compare other values under 'product'

    == one label for two models
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model:
        - {mixer: gru, label: X}
        - {mixer: delta-net, label: X}
    -> g.yaml:8:33: the label 'X' names two different models; it is also given in line 7; choose another

    == one label for two tasks
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      task:
        - {name: mqar, label: X}
        - {name: parity, label: X}
    -> g.yaml:8:29: the label 'X' names two different tasks; it is also given in line 7; choose another

    == two labels for one model
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      model:
        - {mixer: gru, label: X}
        - {mixer: {name: gru}, label: Y}
    -> g.yaml:8:35: the labels 'X' and 'Y' name the same model; 'X' is given in line 7; remove one or change a setting

    == a part of the baseline that is replaced
    name: g
    baseline:
      task: {name: mqar, lenght: 64}
      model: {mixer: gru}
    product:
      task: [{name: parity}]
    -> g.yaml:3:22: unknown key 'lenght'; did you mean 'length'? task mqar knows: name, train, validation, test, label, vocabulary, length, pairs, gapExponent, filler
    """#)
}
