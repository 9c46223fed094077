/// Four block-diagonal maps side by side, two of each of two inputs, and a bias.
package struct HeadMaps {
  /// What the first two maps take, [rows, heads x dim].
  package var x: Tensor
  /// What the last two take, as x.
  package var z: Tensor
  /// Of each map, [heads, dim, dim].
  package var weights: [Tensor]
  /// Of all results, [4 heads x dim].
  package var bias: Tensor

  package init(x: Tensor, z: Tensor, weights: [Tensor], bias: Tensor) {
    self.x = x
    self.z = z
    self.weights = weights
    self.bias = bias
  }
}

/// A recurrent cell whose gates are head maps: its gradient of R, [heads, dim, 4, dim], is a sum over
/// the same rows as those of the maps' weights.
package struct MappedCell {
  /// After all steps, [rows, heads x dim], with zeros before the first.
  package var states: Tensor
  /// The steps of a sequence, whose rows follow each other.
  package var length: Int
  /// The gradient of R, which is added to.
  package var recurrent: Tensor

  package init(states: Tensor, length: Int, recurrent: Tensor) {
    self.states = states
    self.length = length
    self.recurrent = recurrent
  }
}

/// Where the gradients of head maps go; those of parameters are added to.
package struct HeadMapsGradients {
  package var x: GradientTarget
  package var z: GradientTarget
  package var weights: [Tensor]
  package var bias: Tensor
  /// The cell behind the maps, where its own gradient is wanted with theirs.
  package var cell: MappedCell?

  package init(
    x: GradientTarget, z: GradientTarget, weights: [Tensor], bias: Tensor, cell: MappedCell? = nil
  ) {
    self.x = x
    self.z = z
    self.weights = weights
    self.bias = bias
    self.cell = cell
  }
}
