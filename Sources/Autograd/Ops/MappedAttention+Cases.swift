import Tensors

/// Attention of whole sequences with the maps of its queries, keys and values.
private struct MappedAttentionCase: Sendable {
  var inputs: Int
  var attention: AttentionCase

  func opCase() -> OpCase {
    let (heads, keyHeads) = (attention.heads, attention.keyHeadCount)
    let law = OpInput.Law.normal(scale: 1 / Double(inputs).squareRoot())
    return OpCase(
      "attention", "of maps \(inputs)-\(attention.variant)",
      inputs: [OpInput("x", [attention.batch, attention.queries, inputs])]
        + [heads, keyHeads, keyHeads].map { OpInput("weight", [inputs, $0 * attention.dim], law) }
        + [OpInput("slopes", [heads], .uniform(0.05...0.5), differentiable: false)],
      reference: { arrays in
        [attention.reference(arrays[1...3].map { arrays[0].times($0) } + [arrays[4]])]
      },
      run: { _, inputs in
        [
          inputs[0].attention(
            ofMaps: Array(inputs[1...3]), heads: heads, keyHeads: keyHeads,
            window: attention.window, slopes: attention.sloped ? inputs[4] : nil)
        ]
      })
  }
}

extension OpCatalog {
  /// The last has what groups of warps take as halves on GPUs.
  static let mappedAttentionCases: [OpCase] = [
    (5, AttentionCase(batch: 2, queries: 7, heads: 2)),
    (3, AttentionCase(queries: 9, heads: 4, keyHeads: 2, window: 4, sloped: true)),
    (4, AttentionCase(batch: 2, queries: 128, heads: 1, dim: 128, valueDim: 128, sloped: true)),
  ].map { MappedAttentionCase(inputs: $0, attention: $1).opCase() }
}
