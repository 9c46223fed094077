import Tensors

/// The shapes of a batch: work that was recorded for one batch serves all that have the same.
struct BatchShape: Hashable {
  let count: Int
  let length: Int
  let rows: Int

  init(_ batch: HostBatch) {
    count = batch.count
    length = batch.length
    rows = batch.places.count
  }
}

/// A place for batches of one shape on the device.
///
/// All of a batch lies in one stretch of memory: every copy to a device costs some microseconds,
/// however small, and waits for its turn among those of all cells.
struct DeviceBatch {
  let tokens: IndexTensor
  let places: IndexTensor
  let targets: IndexTensor
  /// [1], one over the number of scored positions.
  let scale: Tensor
  /// The optimiser's numbers for the step with this batch.
  let step: Tensor
  private let all: IndexTensor

  /// Parts begin at multiples of so many numbers, as wide loads want it.
  private static let alignment = 4

  init(_ shape: BatchShape, on backend: any Backend) {
    let sizes = [shape.count * shape.length, shape.rows, shape.rows, 1, AdamWStep.count]
    let starts = sizes.reduce(into: [0]) { $0.append(Self.aligned($0[$0.count - 1] + $1)) }
    let all = backend.emptyIndices([starts[sizes.count]])
    tokens = IndexTensor(storage: all.storage, shape: [shape.count, shape.length])
    places = IndexTensor(storage: all.storage, offset: starts[1], shape: [shape.rows])
    targets = IndexTensor(storage: all.storage, offset: starts[2], shape: [shape.rows])
    scale = Tensor(storage: all.storage, offset: starts[3], shape: [1])
    step = Tensor(storage: all.storage, offset: starts[4], shape: [AdamWStep.count])
    self.all = all
  }

  private static func aligned(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }

  /// A batch that stays on the device.
  init(_ batch: HostBatch, on backend: any Backend) {
    self.init(BatchShape(batch), on: backend)
    load(batch, on: backend)
  }

  /// Puts a batch of this shape there, with the optimiser's numbers where it is trained with.
  func load(_ batch: HostBatch, step: [Float] = [], on backend: any Backend) {
    var numbers: [Int32] = []
    numbers.reserveCapacity(all.count)
    let scale = 1 / Float(max(1, batch.scored))
    for part in [batch.tokens, batch.places, batch.targets, Self.bits([scale]), Self.bits(step)] {
      numbers += part
      numbers += [Int32](repeating: 0, count: Self.aligned(numbers.count) - numbers.count)
    }
    // A batch that is not trained with has no numbers of a step.
    numbers += [Int32](repeating: 0, count: all.count - numbers.count)
    numbers.withUnsafeBufferPointer { backend.upload($0, to: all) }
  }

  private static func bits(_ numbers: [Float]) -> [Int32] {
    numbers.map { Int32(bitPattern: $0.bitPattern) }
  }
}
