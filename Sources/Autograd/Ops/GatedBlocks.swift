import Tensors

/// Block-diagonal maps to queries, keys and values, and gates from all three.
///
/// They are the mLSTM's (Beck et al. 2024, arXiv 2405.04517).
public struct GatedBlocks {
  /// Of queries, keys and values, [blocks, channels / blocks, channels / blocks].
  public var blocks: [Variable]
  /// From queries, keys and values to the gates, [channels, gates].
  public var gates: [Variable]
  /// Of the gates.
  public var bias: Variable

  public init(blocks: [Variable], gates: [Variable], bias: Variable) {
    precondition(blocks.count == 3 && gates.count == 3, "queries, keys and values are three")
    self.blocks = blocks
    self.gates = gates
    self.bias = bias
  }

  /// Maps rows, in one pass where the device can.
  ///
  /// - Parameters:
  ///   - x: What queries and keys are made from, [..., channels].
  ///   - z: What values are made from, as x.
  /// - Returns: Queries, keys and values, as x, and the sum of their maps to the gates and the bias.
  public func callAsFunction(
    _ x: Variable, values z: Variable
  ) -> (vectors: [Variable], gates: Variable) {
    let (tape, backend) = (x.tape, x.tape.backend)
    let inputs = [x, z] + blocks + gates + [bias]
    guard let fused = backend as? any FusedKernels, x !== z,
      blocks.allSatisfy({ $0.shape == blocks[0].shape }),
      fused.fusesGatedBlocks(rows: x.value.rows, blocks: blocks[0].shape, gates: bias.columns),
      !tape.records(inputs) || inputs.allSatisfy(\.needsGradient)
    else { return separate(x, z) }
    precondition(x.shape == z.shape && x.columns == 4 * blocks[0].shape[0], "gated blocks")
    let values = Tensors.GatedBlocks(
      x: x.value, z: z.value, blocks: blocks.map(\.value), gates: gates.map(\.value),
      bias: bias.value)
    let outputs = GatedBlockOutputs(
      vectors: blocks.map { _ in backend.empty(x.shape) },
      gates: backend.empty(x.shape.dropLast() + [bias.columns]))
    fused.gatedBlocks(values, into: outputs)
    let all = outputs.vectors + [outputs.gates]
    let results = tape.results(all, of: inputs) { gradients in
      let given = zip(gradients, all).map { $0 ?? backend.zeros($1.shape) }
      Variable.withTargets([x, z]) { targets in
        Variable.withSums(blocks + gates + [bias]) { sums in
          fused.gatedBlocksBackward(
            values, GatedBlockOutputs(vectors: Array(given[..<3]), gates: given[3]),
            into: GatedBlocksGradients(
              x: targets[0], z: targets[1], blocks: Array(sums[..<3]),
              gates: Array(sums[3..<6]), bias: sums[6]))
        }
      }
    }
    return (Array(results[..<3]), results[3])
  }

  private func separate(
    _ x: Variable, _ z: Variable
  ) -> (vectors: [Variable], gates: Variable) {
    let vectors = zip([x, x, z], blocks).map { $0.blockLinear($1) }
    let maps = zip(vectors, gates).map { LinearMap($0, $1) }
    return (vectors, Variable.sum(of: maps, bias: bias))
  }
}
