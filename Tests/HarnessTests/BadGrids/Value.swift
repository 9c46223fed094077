extension BadGrid {
  /// Values that are wrong by themselves.
  static let value = cases(
    #"""
    == a text for a number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: many}
    -> g.yaml:5:21: 'steps' is the text "many"; it must be a whole number from 1 to 1000000000

    == a number in quotes
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: "64"}
    -> g.yaml:5:21: 'steps' is the text "64"; it must be a whole number from 1 to 1000000000

    == a number that is not whole
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 10.5}
    -> g.yaml:5:21: 'steps' is 10.5; it must be a whole number from 1 to 1000000000

    == zero steps
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 0}
    -> g.yaml:5:21: 'steps' is 0; it must be a whole number from 1 to 1000000000

    == a negative number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {batch: -64}
    -> g.yaml:5:21: 'batch' is -64; it must be a whole number from 1 to 1048576

    == a huge number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 99999999999999999999}
    -> g.yaml:5:21: 'steps' is 1e+20; it must be a whole number from 1 to 1000000000

    == an overflowing number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {learningRate: 1e999}
    -> g.yaml:5:28: 'learningRate' is inf; it must be a number from 0.0 to 1000.0

    == not a number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {learningRate: .nan}
    -> g.yaml:5:28: 'learningRate' is nan; it must be a number from 0.0 to 1000.0

    == an infinite number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {clip: -.inf}
    -> g.yaml:5:20: 'clip' is -inf; it must be a number from 0.0 to 1000000000.0

    == a number with a leading zero
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 017}
    -> g.yaml:5:21: 'steps' is the text "017"; it must be a whole number from 1 to 1000000000

    == an old octal number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 0o17}
    -> g.yaml:5:21: 'steps' is the text "0o17"; it must be a whole number from 1 to 1000000000

    == a time of day
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: 12:30}
    -> g.yaml:5:21: 'steps' is the text "12:30"; it must be a whole number from 1 to 1000000000

    == a YAML 1.1 flag
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, tiedHead: yes}
    -> g.yaml:4:39: 'tiedHead' is the text "yes"; it must be true or false

    == a number for a flag
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, tiedHead: 1}
    -> g.yaml:4:39: 'tiedHead' is 1; it must be true or false

    == a flag for a number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: true}
    -> g.yaml:5:21: 'steps' is true; it must be a whole number from 1 to 1000000000

    == no value
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: }
    -> g.yaml:5:21: 'steps' is empty; it must be a whole number from 1 to 1000000000

    == a list in the baseline
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: [100, 200]}
    -> g.yaml:5:21: 'steps' is a list; it must be a whole number from 1 to 1000000000; a list is an axis only under 'product', 'each', 'zip' and 'tune'

    == a mapping for a number
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: {steps: {a: 1}}
    -> g.yaml:5:21: 'steps' is a mapping; it must be a whole number from 1 to 1000000000

    == a range for a single number
    name: g
    baseline:
      task: {name: mqar, length: {from: 3, to: 40}}
      model: {mixer: gru}
    -> g.yaml:3:30: 'length' is {from: 3, to: 40}; it must be a whole number from 4 to 65536

    == an unknown choice
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, norm: batch}
    -> g.yaml:4:35: 'norm' is the text "batch"; it must be one of rms, layer, none

    == a misspelt choice
    name: g
    baseline:
      task: {name: mqar, filler: zeros}
      model: {mixer: gru}
    -> g.yaml:3:30: 'filler' is the text "zeros"; it must be one of zero, random, clean

    == a number below its range
    name: g
    baseline:
      task: {name: mqar, vocabulary: 3}
      model: {mixer: gru}
    -> g.yaml:3:34: 'vocabulary' is 3; it must be a whole number from 4 to 65536

    == a range that ends before it starts
    name: g
    baseline:
      task: {name: parity, length: {from: 40, to: 3}}
      model: {mixer: gru}
    -> g.yaml:3:32: 'length' is a range that ends before it starts; write {from: 3, to: 40}

    == a range without an end
    name: g
    baseline:
      task: {name: parity, length: {from: 40}}
      model: {mixer: gru}
    -> g.yaml:3:32: the range 'length' has no 'to'; write {from: 3, to: 40}

    == a range with ends of text
    name: g
    baseline:
      task: {name: parity, length: {from: a, to: 3}}
      model: {mixer: gru}
    -> g.yaml:3:39: 'from' is the text "a"; it must be a whole number

    == a range out of bounds
    name: g
    baseline:
      task: {name: parity, length: {from: 0, to: 3}}
      model: {mixer: gru}
    -> g.yaml:3:32: 'length' is {from: 0, to: 3}; it must be a whole number or a range {from: a, to: b} from 1 to 4096

    == a range with a third key
    name: g
    baseline:
      task: {name: parity, length: {from: 1, to: 3, by: 2}}
      model: {mixer: gru}
    -> g.yaml:3:32: 'length' is a mapping; it must be a whole number or a range {from: a, to: b} from 1 to 4096

    == a negative seed
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
      seed: -1
    -> g.yaml:5:9: 'seed' is -1; it must be a whole number from 0 to 4294967295

    == a text as a seed
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
      seed: first
    -> g.yaml:5:9: 'seed' is the text "first"; it must be a whole number from 0 to 4294967295

    == training that is a list
    name: g
    baseline:
      task: mqar
      model: {mixer: gru}
      training: [1]
    -> g.yaml:5:13: 'training' is a list; it must be a mapping such as {steps: 1000, batch: 64}

    == a model that is a text
    name: g
    baseline:
      task: mqar
      model: attention
    -> g.yaml:4:10: 'model' is the text "attention"; it must be a mapping such as {mixer: attention, width: 64}

    == a list of tasks in the baseline
    name: g
    baseline:
      task: [mqar, parity]
      model: {mixer: gru}
    -> g.yaml:3:9: 'task' is a list; it must be a task's name, or a mapping with its 'name' and settings

    == a number as a task
    name: g
    baseline:
      task: {name: 3}
      model: {mixer: gru}
    -> g.yaml:3:16: 'name' is 3; it must be a task's name

    == an empty pattern
    name: g
    baseline:
      task: mqar
      model: {mixer: []}
    -> g.yaml:4:18: 'mixer' is an empty list; it must be a pattern of 1 to 256 mixers

    == no segments
    name: g
    baseline:
      task: {name: mqar, test: []}
      model: {mixer: gru}
    -> g.yaml:3:28: 'test' is an empty list; it must be a segment or a list of at least one

    == a segment that is a number
    name: g
    baseline:
      task: {name: mqar, test: 1000}
      model: {mixer: gru}
    -> g.yaml:3:28: 'test' is 1000; it must be a segment such as {examples: 1000}, or a list of segments

    == zero examples
    name: g
    baseline:
      task: {name: mqar, test: {examples: 0}}
      model: {mixer: gru}
    -> g.yaml:3:39: 'examples' is 0; it must be a whole number from 1 to 1000000000

    == examples that are a text
    name: g
    baseline:
      task: {name: mqar, train: {examples: all}}
      model: {mixer: gru}
    -> g.yaml:3:40: 'examples' is the text "all"; it must be a whole number from 1 to 1000000000

    == a label with a line break
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, label: "a\nb"}
    -> g.yaml:4:36: 'label' is the text "a\u{a}b"; it must be a text of 1 to 64 printable characters

    == a label with a direction mark
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, label: "a\u202Eb"}
    -> g.yaml:4:36: 'label' is the text "a\u{202e}b"; it must be a text of 1 to 64 printable characters

    == an empty label
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, label: ""}
    -> g.yaml:4:36: 'label' is the text ""; it must be a text of 1 to 64 printable characters

    == a label with a space at its end
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, label: "a "}
    -> g.yaml:4:36: 'label' is the text "a "; it must be a text of 1 to 64 printable characters

    == a label too long
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, label: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}
    -> g.yaml:4:36: 'label' is the text "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"; it must be a text of 1 to 64 printable characters

    == a label that is a list
    name: g
    baseline:
      task: mqar
      model: {mixer: attention, label: [a]}
    -> g.yaml:4:36: 'label' is a list; it must be a text of 1 to 64 printable characters
    """#)
}
