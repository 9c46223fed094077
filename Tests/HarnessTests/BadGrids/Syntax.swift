extension BadGrid {
  /// What is not YAML, or not the part of YAML that grids use.
  static let syntax = cases(
    #"""
    == only comments
    # nothing
    # here
    -> g.yaml:1:1: the grid is empty; it needs at least 'name' and 'baseline'

    == a list at top level
    - a
    - b
    -> g.yaml:1:1: the grid is a list; it must be a mapping with 'name' and 'baseline'

    == a text at top level
    hello
    -> g.yaml:1:1: the grid is the text "hello"; it must be a mapping with 'name' and 'baseline'

    == two documents
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    ---
    name: h
    -> g.yaml:5:1: a second document starts here; a grid is one document

    == a tab as indentation
    name: g
    baseline:
    \#ttask: {name: mqar}
    -> g.yaml:3:1: not YAML: found character that cannot start any token while scanning for the next token from line 3; indent with spaces, not tabs

    == a colon too many
    name: g: h
    -> g.yaml:1:8: not YAML: mapping values are not allowed in this context

    == an open bracket
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: [0, 1
    -> g.yaml:7:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence from line 6

    == an open quote
    name: "g
    -> g.yaml:2:1: not YAML: found unexpected end of stream while scanning a quoted scalar from line 1

    == a wrong indentation
    name: g
    baseline:
      task: {name: mqar}
     model: {mixer: gru}
    -> g.yaml:4:2: not YAML: did not find expected key while parsing a block mapping from line 1

    == a duplicate key
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    name: h
    -> g.yaml:1:1: the key 'name' is given twice; this is the first of them

    == a duplicate key inside
    name: g
    baseline:
      task: {name: mqar, length: 64, length: 32}
      model: {mixer: gru}
    -> g.yaml:3:22: the key 'length' is given twice; this is the first of them

    == a duplicate axis
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    product:
      seed: [0]
      seed: [1]
    -> g.yaml:6:3: the key 'seed' is given twice; this is the first of them

    == a duplicate key, once in quotes
    name: g
    baseline:
      task: {name: mqar, "1": 64, 1: 32}
      model: {mixer: gru}
    -> g.yaml:3:22: the key '1' is given twice; this is the first of them

    == an anchor
    name: g
    baseline:
      task: &t {name: mqar}
      model: {mixer: gru}
    -> g.yaml:3:9: anchors and aliases (&, *) are not part of the grid format; write the value out, or put a text with these signs in quotes

    == an alias
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: *m}
    -> g.yaml:4:18: anchors and aliases (&, *) are not part of the grid format; write the value out, or put a text with these signs in quotes

    == a comment full of stars
    # *a *a *a *a *a *a *a *a *a *a *a *a *a 
    name: g
    baseline:
      task: {name: mqar}
      model: {mixer: attention}
    -> g.yaml:1:39: more than 12 words start with '*'; that marks an alias, and aliases are not part of the grid format

    == a merge key
    name: g
    baseline:
      task: {name: mqar, <<: {length: 64}}
      model: {mixer: gru}
    -> g.yaml:3:22: merge keys (<<) are not part of the grid format; an axis element is merged over the baseline without one

    == a tag
    name: !!int 7
    -> g.yaml:1:7: tags (!) are not part of the grid format; remove it

    == a tag on a mapping
    name: g
    baseline: !cell {}
    -> g.yaml:2:11: tags (!) are not part of the grid format; remove it

    == a list as a key
    name: g
    ? [a, b]
    : 1
    -> g.yaml:2:3: a key is not a plain text; write 'name: value'

    == an empty key
    name: g
    : 1
    -> g.yaml:2:1: not YAML: did not find expected key while parsing a block mapping from line 1

    == a control character
    name: g
    description: a\#u{7}b
    -> g.yaml:2:15: not YAML: control characters are not allowed
    """#)
}
