/// A selective scan; see `hk_selective` in `CKernels.h` for the recurrence and the shapes.
package struct SelectiveShape {
  package var batch: Int
  package var length: Int
  package var channels: Int
  /// Numbers that each channel carries.
  package var states: Int
  /// Whether the factors lie in (-1, 1) instead of (0, 1).
  package var bothSigns: Bool
  /// Whether `rate` holds log(-rate), which only some backends take.
  package var hasLogRates = false
  /// Whether the output is multiplied by silu of a gate shaped like it, which only some backends do.
  package var hasGate = false

  package init(batch: Int, length: Int, channels: Int, states: Int, bothSigns: Bool) {
    self.batch = batch
    self.length = length
    self.channels = channels
    self.states = states
    self.bothSigns = bothSigns
  }
}

/// The inputs of a selective scan, or the gradients with respect to them.
package struct SelectiveTensors<Element> {
  package var x: Element
  package var step: Element
  package var rate: Element
  package var write: Element
  package var read: Element
  package var skip: Element
  package var initial: Element
  package var gate: Element

  package init(
    x: Element, step: Element, rate: Element, write: Element, read: Element, skip: Element,
    initial: Element, gate: Element
  ) {
    self.x = x
    self.step = step
    self.rate = rate
    self.write = write
    self.read = read
    self.skip = skip
    self.initial = initial
    self.gate = gate
  }
}

package protocol SelectiveKernels {
  /// Whether shapes may have logarithms of rates.
  var takesLogRates: Bool { get }
  /// Whether shapes may have gates.
  var foldsGate: Bool { get }
  /// Floats that the forward pass leaves for the backward pass.
  func selectiveCheckpointCount(_ shape: SelectiveShape) -> Int
  /// Where there is a gate, `ungated` is the output before it, left for the backward pass.
  func selectiveScan(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, into y: Tensor, ungated: Tensor?,
    final: Tensor?, checkpoints: Tensor?)
  /// The gradients of `rate` and `skip` are added to, all others overwritten.
  func selectiveScanBackward(
    _ shape: SelectiveShape, _ inputs: SelectiveTensors<Tensor?>, ungated: Tensor?,
    checkpoints: Tensor, dy: Tensor, dFinal: Tensor?, into gradients: SelectiveTensors<Tensor?>)
}

extension SelectiveKernels {
  package var takesLogRates: Bool { false }
  package var foldsGate: Bool { false }
}
