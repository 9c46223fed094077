import Harness
import Testing

@Suite struct DocumentationTests {
  /// The grid in the documentation of `Grid`, which newcomers copy.
  private let example = """
    name: quick                     # a-z, 0-9 and '-'
    description: Recall and state tracking in a minute.
    baseline:
      task:
        name: mqar                  # `task: mqar` is the short form
        length: 64                  # settings of the task, for all splits
        train: {examples: 20000}    # without examples: a stream in which none returns
        validation: {examples: 512} # 1000 where left out
        test:                       # a list has several segments
          - {length: 64, examples: 1000}
          - {length: 128, examples: 1000}
      model:
        mixer: attention            # or {name: delta-net, eigenvalues: signed}, or a list of
                                    # mixers: the pattern that repeats over the layers
        width: 64
      training: {steps: 1000, batch: 64}
      seed: 0
    product:                        # every combination of the values
      model:
        - {mixer: attention}
        - {mixer: {name: delta-net, eigenvalues: signed}, label: DeltaNet ±}
      seed: [0, 1, 2]
    tune:                           # chosen on validation, not compared
      training.learningRate: [1e-3, 3e-3]
    """

  @Test func theDocumentedGridIsRight() throws {
    let plan = try plan(example)
    #expect(plan.cells.count == 2 * 2 * 3)
    #expect(plan.cells.map(\.modelLabel).runs == ["attention", "DeltaNet ±"])
    #expect(plan.tunedPaths == ["training.learningRate"])
  }
}
