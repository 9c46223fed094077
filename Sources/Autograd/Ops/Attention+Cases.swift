import Randomness
import Tensors

extension OpCatalog {
  static let attentionCases: [OpCase] = [
    AttentionCase(batch: 2, queries: 1, heads: 2),
    AttentionCase(batch: 2, queries: 7, heads: 1, dim: 3, valueDim: 3),
    AttentionCase(queries: 63, heads: 1, dim: 3, window: 20),
    AttentionCase(queries: 65, heads: 1, dim: 5, valueDim: 3),
    AttentionCase(queries: 33, heads: 2, window: 8),
    AttentionCase(queries: 17, heads: 1, window: 1),
    AttentionCase(batch: 2, queries: 20, heads: 1, window: 2, sloped: true),
    AttentionCase(queries: 9, heads: 2, window: 50),
    AttentionCase(queries: 19, heads: 2, sloped: true),
    AttentionCase(queries: 9, heads: 4, keyHeads: 2),
    AttentionCase(queries: 10, heads: 3, keyHeads: 1, window: 4, sloped: true),
    AttentionCase(queries: 16, heads: 1, dim: 2, valueDim: 20, scale: 0.3),
    AttentionCase(queries: 12, heads: 2, dim: 20, valueDim: 3, sloped: true),
    AttentionCase(queries: 18, heads: 1, dim: 16, valueDim: 80, window: 11),
    AttentionCase(queries: 18, heads: 2, keyHeads: 1, dim: 16, valueDim: 32),
    AttentionCase(batch: 2, queries: 5, keys: 12, heads: 2, offset: 7),
    AttentionCase(queries: 6, keys: 14, heads: 4, keyHeads: 2, offset: 5, sloped: true),
    AttentionCase(queries: 5, keys: 140, heads: 1, dim: 2, valueDim: 2, offset: 135),
    AttentionCase(queries: 5, keys: 140, heads: 1, dim: 2, valueDim: 2, window: 90, offset: 133),
    AttentionCase(queries: 6, keys: 90, heads: 2, dim: 3, window: 37, offset: 64, scale: 1),
    AttentionCase(batch: 2, queries: 1, keys: 20, heads: 2, dim: 16, valueDim: 16, offset: 19),
    AttentionCase(
      queries: 1, keys: 70, heads: 4, keyHeads: 2, dim: 16, valueDim: 32, window: 33, offset: 68,
      sloped: true),
    // Blocks of 8 and of 16 warps on GPUs, through several tiles of keys.
    AttentionCase(
      queries: 70, keys: 100, heads: 2, keyHeads: 1, dim: 2, valueDim: 2, window: 40, offset: 30,
      sloped: true),
    AttentionCase(queries: 140, heads: 1, dim: 2, valueDim: 2, window: 40),
    // Heads that are wider than any tile of 16-bit numbers, and than any tile.
    AttentionCase(batch: 2, queries: 9, heads: 1, dim: 132, valueDim: 132),
    AttentionCase(queries: 7, heads: 2, keyHeads: 1, dim: 260, valueDim: 260, window: 4),
    // What groups of warps have on GPUs.
    AttentionCase(
      queries: 66, keys: 200, heads: 2, keyHeads: 1, dim: 128, valueDim: 128, window: 150,
      offset: 134, sloped: true),
  ].map { $0.checked() }

  /// Shapes of models in this suite, for speed only.
  package static let attentionTimings: [OpCase] = [
    AttentionCase(batch: 64, queries: 64, heads: 1, dim: 64, valueDim: 64),
    AttentionCase(batch: 32, queries: 256, heads: 1, dim: 64, valueDim: 64),
    AttentionCase(batch: 64, queries: 64, heads: 4, dim: 16, valueDim: 16),
    AttentionCase(batch: 16, queries: 256, heads: 2, dim: 64, valueDim: 64),
    AttentionCase(batch: 8, queries: 1024, heads: 4, dim: 32, valueDim: 32),
    AttentionCase(batch: 64, queries: 40, heads: 4, dim: 32, valueDim: 32),
    AttentionCase(
      batch: 64, queries: 1, keys: 256, heads: 2, dim: 32, valueDim: 32, offset: 255),
  ].map { $0.timed() }
}

/// The options of one case.
struct AttentionCase: Sendable {
  var batch = 1
  var queries: Int
  var keys: Int?
  var heads: Int
  var keyHeads: Int?
  var dim = 4
  var valueDim = 4
  var window = 0
  var offset = 0
  var sloped = false
  var scale: Float?

  var keyCount: Int { keys ?? queries }
  var keyHeadCount: Int { keyHeads ?? heads }

  func checked() -> OpCase { make { [reference($0)] } }
  func timed() -> OpCase { make(nil) }

  private func make(_ reference: (@Sendable ([DoubleArray]) -> [DoubleArray])?) -> OpCase {
    // The softmax of a single key is constant: its gradient is only rounding.
    let moves = keyCount > 1 && window != 1
    return OpCase(
      "attention", variant,
      inputs: [
        OpInput("queries", [batch, queries, heads, dim], differentiable: moves),
        OpInput("keys", [batch, keyCount, keyHeadCount, dim], differentiable: moves),
        OpInput("values", [batch, keyCount, keyHeadCount, valueDim]),
        OpInput("slopes", [heads], .uniform(0.05...0.5), differentiable: false),
      ],
      flops: flops, reference: reference,
      run: { _, inputs in
        [
          inputs[0].attention(
            keys: inputs[1], values: inputs[2], scale: scale, window: window,
            slopes: sloped ? inputs[3] : nil, offset: offset)
        ]
      })
  }

  var variant: String {
    var parts = ["B\(batch)", "T\(queries)"]
    if keyCount != queries { parts.append("keys\(keyCount)") }
    parts.append(keyHeadCount == heads ? "H\(heads)" : "H\(heads)over\(keyHeadCount)")
    parts.append(valueDim == dim ? "D\(dim)" : "D\(dim)to\(valueDim)")
    if window > 0 { parts.append("window\(window)") }
    if offset > 0 { parts.append("offset\(offset)") }
    if sloped { parts.append("ALiBi") }
    return parts.joined(separator: "-")
  }

  /// The first key that query i sees.
  private func firstKey(_ i: Int) -> Int { window > 0 ? max(0, offset + i - window + 1) : 0 }

  /// Only the pairs that are seen count.
  private var flops: Double {
    let pairs = (0..<queries).reduce(0) { $0 + offset + $1 + 1 - firstKey($1) }
    return 2 * Double(batch * heads * (dim + valueDim)) * Double(pairs)
  }

  /// o_i = Σ_j softmax_j(scale q_i·k_j − slope (i − j)) v_j, one query at a time.
  func reference(_ inputs: [DoubleArray]) -> DoubleArray {
    let (q, k, v, slopes) = (
      inputs[0].values, inputs[1].values, inputs[2].values, inputs[3].values
    )
    let factor = scale.map(Double.init) ?? 1 / Double(dim).squareRoot()
    var output = DoubleArray([batch, queries, heads, valueDim])
    for row in 0..<batch * queries * heads {
      let (sequence, i, head) = (row / heads / queries, row / heads % queries, row % heads)
      let (position, keyHead) = (offset + i, head / (heads / keyHeadCount))
      func keyRow(_ j: Int) -> Int { (sequence * keyCount + j) * keyHeadCount + keyHead }
      var scores: [Double] = []
      var j = firstKey(i)
      while j <= position {
        let distance = sloped ? slopes[head] * Double(position - j) : 0
        scores.append(factor * dot(q, row * dim, k, keyRow(j) * dim, dim) - distance)
        j += 1
      }
      let greatest = scores.reduce(-.infinity, max)
      var total = 0.0
      for (index, score) in scores.enumerated() {
        let weight = PortableMath.exp(score - greatest)
        total += weight
        let seen = keyRow(firstKey(i) + index)
        addMultiple(
          weight, of: v, seen * valueDim, to: &output.values, row * valueDim, valueDim)
      }
      for c in 0..<valueDim { output.values[row * valueDim + c] /= total }
    }
    return output
  }
}
