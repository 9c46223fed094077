/// Queries, keys and values by block-diagonal maps, and gates by linear maps of all three.
package struct GatedBlocks {
  /// What queries and keys are made from, [rows, channels].
  package var x: Tensor
  /// What values are made from, as x.
  package var z: Tensor
  /// Of queries, keys and values, [channels / 4, 4, 4].
  package var blocks: [Tensor]
  /// From queries, keys and values to the gates, [channels, gates].
  package var gates: [Tensor]
  /// Of the gates.
  package var bias: Tensor

  package init(x: Tensor, z: Tensor, blocks: [Tensor], gates: [Tensor], bias: Tensor) {
    self.x = x
    self.z = z
    self.blocks = blocks
    self.gates = gates
    self.bias = bias
  }
}

/// What comes of gated blocks, or the gradients with respect to it.
package struct GatedBlockOutputs {
  /// Queries, keys and values, as x.
  package var vectors: [Tensor]
  /// A row of gates for each row.
  package var gates: Tensor

  package init(vectors: [Tensor], gates: Tensor) {
    self.vectors = vectors
    self.gates = gates
  }
}

/// Where the gradients of gated blocks go; those of parameters are added to.
package struct GatedBlocksGradients {
  package var x: GradientTarget
  package var z: GradientTarget
  package var blocks: [Tensor]
  package var gates: [Tensor]
  package var bias: Tensor

  package init(
    x: GradientTarget, z: GradientTarget, blocks: [Tensor], gates: [Tensor], bias: Tensor
  ) {
    self.x = x
    self.z = z
    self.blocks = blocks
    self.gates = gates
    self.bias = bias
  }
}
