/// A device: memory, and one method per kernel.
///
/// The protocol is made for devices that run behind the host. No kernel returns a number to the
/// host; indices, step sizes and losses live on the device; shapes are known to the host and so are
/// fixed for a given batch shape. Outputs are tensors given by the caller, from the device's pool.
///
/// Conventions of gradients are those of `CKernels.h`: gradients of activations are overwritten
/// unless a method takes `accumulate`, gradients of parameters are added to, nil means not wanted.
package protocol Backend: Device, MatrixKernels, PointwiseKernels, RowKernels, LossKernels,
  OptimizerKernels, AttentionKernels, ScanKernels, SelectiveKernels, LinearMemoryKernels,
  CellKernels,
  ConvolutionKernels
{}

/// What every device has apart from its kernels: memory, and an order of work.
package protocol Device: AnyObject {
  /// "cpu x86-64-v4"
  var name: String { get }
  var pool: MemoryPool { get }
  /// The first thing that went wrong; all work queued after it is skipped, and what is downloaded
  /// then is NaN or -1. nil on devices whose kernels cannot fail.
  var failure: (any Error)? { get }
  /// The greatest relative error to which the factors of matrix products are rounded before they
  /// are multiplied: 2^-11 for TF32, 0 where they are taken as they are.
  var factorRounding: Double { get }

  /// Whether tensors keep what is written to them; a device that only counts has none.
  var keepsNumbers: Bool { get }

  /// Copies numbers from the host; the tensor's count must be the array's.
  func upload(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor)
  func upload(_ values: UnsafeBufferPointer<Int32>, to tensor: IndexTensor)
  /// Copies numbers to the host, after all work queued so far.
  func download(_ tensor: Tensor, to values: UnsafeMutableBufferPointer<Float>)
  func download(_ tensor: IndexTensor, to values: UnsafeMutableBufferPointer<Int32>)
  func copy(_ source: Tensor, to target: Tensor)
  func fill(_ tensor: Tensor, with value: Float)

  /// Waits until all that was queued is done.
  func synchronize()
  /// Runs `body` as a capture of it will: what happens once only, such as getting memory and
  /// compiling kernels, happens here.
  func rehearse(_ body: () -> Void)
  /// Records what `body` queues, without running it; the same body must have been rehearsed.
  ///
  /// - Returns: What was recorded; nil on devices that run at once, where `body` was not called,
  ///   and where something went wrong (see `failure`).
  func capture(_ body: () -> Void) -> (any Replayable)?
}

/// Work that a device recorded once and runs again as one launch.
///
/// It reads and writes the memory that it was recorded with: what changes from one replay to the
/// next, such as a batch or the learning rate, is uploaded into the same tensors.
package protocol Replayable: AnyObject {
  /// Kernels, copies and fillings in it.
  var nodeCount: Int { get }
  /// Queues the work once more.
  func replay()
}

extension Device {
  /// Copies whole numbers, bit by bit.
  package func copy(_ source: IndexTensor, to target: IndexTensor) {
    copy(
      Tensor(storage: source.storage, shape: source.shape),
      to: Tensor(storage: target.storage, shape: target.shape))
  }

  package var failure: (any Error)? { nil }
  package var factorRounding: Double { 0 }
  package var keepsNumbers: Bool { true }
  package func synchronize() {}
  package func rehearse(_ body: () -> Void) { body() }
  package func capture(_ body: () -> Void) -> (any Replayable)? { nil }
}

extension Device {
  package func empty(_ shape: [Int]) -> Tensor {
    Tensor(storage: pool.allocate(byteCount: shape.reduce(1, *) * 4), shape: shape)
  }

  package func emptyIndices(_ shape: [Int]) -> IndexTensor {
    IndexTensor(storage: pool.allocate(byteCount: shape.reduce(1, *) * 4), shape: shape)
  }

  package func zeros(_ shape: [Int]) -> Tensor {
    let tensor = empty(shape)
    fill(tensor, with: 0)
    return tensor
  }

  package func tensor(_ values: [Float], _ shape: [Int]) -> Tensor {
    let tensor = empty(shape)
    precondition(values.count == tensor.count, "\(values.count) values for shape \(shape)")
    values.withUnsafeBufferPointer { upload($0, to: tensor) }
    return tensor
  }

  package func indices(_ values: [Int32], _ shape: [Int]) -> IndexTensor {
    let tensor = emptyIndices(shape)
    precondition(values.count == tensor.count, "\(values.count) values for shape \(shape)")
    values.withUnsafeBufferPointer { upload($0, to: tensor) }
    return tensor
  }

  package func values(_ tensor: Tensor) -> [Float] {
    [Float](unsafeUninitializedCapacity: tensor.count) { buffer, count in
      count = tensor.count
      download(tensor, to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
    }
  }

  package func values(_ tensor: IndexTensor) -> [Int32] {
    [Int32](unsafeUninitializedCapacity: tensor.count) { buffer, count in
      count = tensor.count
      download(tensor, to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
    }
  }
}
