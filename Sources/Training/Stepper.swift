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
  private var ones: Tensor

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
    ones = backend.zeros([1, 1])
  }

  /// One step on a batch; returns the learning rate that was used.
  @discardableResult
  package func step(_ batch: HostBatch) -> Double {
    let device = DeviceBatch(batch, on: tape.backend)
    let result = model.loss(
      device.tokens, places: device.places, targets: device.targets, scale: device.scale)
    addMean(of: result.losses, scale: device.scale)
    tape.backward()
    return optimizer.step()
  }

  /// The sum of the batches' mean losses since the last call; waits for the device.
  package func takeLoss() -> Double {
    let loss = Double(tape.backend.values(lossSum)[0])
    tape.backend.fill(lossSum, with: 0)
    return loss
  }

  private func addMean(of losses: Tensor, scale: Tensor) {
    let rows = losses.count
    if ones.count < rows {
      ones = tape.backend.empty([1, rows])
      tape.backend.fill(ones, with: 1)
    }
    let sum = tape.backend.empty([1])
    tape.backend.dotRows(
      losses.reshaped([1, rows]), Tensor(storage: ones.storage, shape: [1, rows]), into: sum,
      accumulate: false)
    tape.backend.multiply(sum, scale, into: lossSum, accumulate: true)
  }
}
