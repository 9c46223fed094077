import Tensors

/// A batch on the device.
struct DeviceBatch {
  let tokens: IndexTensor
  let places: IndexTensor
  let targets: IndexTensor
  /// [1], one over the number of scored positions.
  let scale: Tensor

  init(_ batch: HostBatch, on backend: any Backend) {
    tokens = backend.indices(batch.tokens, [batch.count, batch.length])
    places = backend.indices(batch.places, [batch.places.count])
    targets = backend.indices(batch.targets, [batch.targets.count])
    scale = backend.tensor([1 / Float(max(1, batch.scored))], [1])
  }
}
