package import Architectures
package import Autograd
package import Configuration
package import Layers
import Randomness
package import Tensors

/// A model with its optimiser, one training step at a time.
package final class Stepper {
  package let tape: Tape
  package let model: Model
  package let arena: ParameterArena
  private let optimizer: AdamW
  /// The sum of the batches' mean losses since it was last taken; it stays on the device.
  private let lossSum: Tensor
  /// Where batches of each shape go, and the step that was recorded for them.
  private var slots: [BatchShape: Slot] = [:]

  private struct Slot {
    let inputs: DeviceBatch
    /// [1, rows], with which the losses are summed.
    let ones: Tensor
    let work: RepeatedWork
  }

  /// Makes the model and lays out its memory.
  ///
  /// - Parameters:
  ///   - job: What to train.
  ///   - registry: Where its mixers are found.
  ///   - backend: The device.
  /// - Throws: `SettingError` for a model that cannot be.
  package init(
    _ job: TrainingJob, registry: MixerRegistry, on backend: any Backend
  ) throws(SettingError) {
    tape = Tape(backend)
    model = try Model(
      job.model, vocabulary: job.vocabulary, maximumLength: job.maximumLength, registry: registry)
    let random = RandomSource(seed: UInt64(job.seed), stream: stableHash("parameters"))
    arena = model.materialise(on: tape, random: random)
    optimizer = AdamW(job.training, arena, on: backend)
    lossSum = backend.zeros([1])
  }

  /// One step on a batch; returns the learning rate that was used.
  @discardableResult
  package func step(_ batch: HostBatch) -> Double {
    let shape = BatchShape(batch)
    let slot = slot(for: shape)
    let step = optimizer.advance()
    slot.inputs.load(batch, step: step.values, on: tape.backend)
    slot.work.run {
      let result = model.loss(
        slot.inputs.tokens, places: slot.inputs.places, targets: slot.inputs.targets,
        scale: slot.inputs.scale)
      addMean(of: result.losses, in: slot)
      tape.backward()
      optimizer.apply(slot.inputs.step)
    }
    return step.rate
  }

  /// The gradients of a batch's mean loss, as the arena lays them out; nothing is stepped.
  package func gradients(of batch: HostBatch) -> [Float] {
    let backend = tape.backend
    let inputs = DeviceBatch(batch, on: backend)
    _ = model.loss(
      inputs.tokens, places: inputs.places, targets: inputs.targets, scale: inputs.scale)
    tape.backward()
    defer { arena.clearGradients() }
    return backend.values(arena.gradients)
  }

  private func slot(for shape: BatchShape) -> Slot {
    if let slot = slots[shape] { return slot }
    let backend = tape.backend
    let slot = Slot(
      inputs: DeviceBatch(shape, on: backend), ones: backend.empty([1, shape.rows]),
      work: RepeatedWork(on: backend))
    backend.fill(slot.ones, with: 1)
    slots[shape] = slot
    return slot
  }

  /// The sum of the batches' mean losses since the last call; waits for the device.
  package func takeLoss() -> Double {
    let loss = Double(tape.backend.values(lossSum)[0])
    tape.backend.fill(lossSum, with: 0)
    return loss
  }

  /// The elements of all tensors that the next step depends on, by name.
  package var state: [String: [Float]] { stateTensors.mapValues { tape.backend.values($0) } }

  /// Goes on from the state after a number of steps.
  ///
  /// - Throws: `CheckpointMismatch` where the state is another model's; then nothing has changed.
  package func restore(
    _ state: [String: [Float]], atStep step: Int
  ) throws(CheckpointMismatch) {
    for (name, tensor) in stateTensors where state[name]?.count != tensor.count {
      throw CheckpointMismatch(description: "its '\(name)' are not this model's")
    }
    for (name, tensor) in stateTensors {
      state[name]?.withUnsafeBufferPointer { tape.backend.upload($0, to: tensor) }
    }
    optimizer.resume(atStep: step)
  }

  /// Gradients are no part of it: the optimiser clears them in each step.
  private var stateTensors: [String: Tensor] {
    [
      "parameters": arena.values, "moments.first": optimizer.first,
      "moments.second": optimizer.second, "loss": lossSum,
    ]
  }

  private func addMean(of losses: Tensor, in slot: Slot) {
    if let fused = tape.backend as? any FusedKernels {
      return fused.addSum(of: losses, scaledBy: slot.inputs.scale, to: lossSum)
    }
    let sum = tape.backend.empty([1])
    tape.backend.dotRows(
      losses.reshaped(slot.ones.shape), slot.ones, into: sum, accumulate: false)
    tape.backend.multiply(sum, slot.inputs.scale, into: lossSum, accumulate: true)
  }
}
