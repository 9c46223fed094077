/// A device: memory, and one method per kernel.
///
/// The protocol is made for devices that run behind the host. No kernel returns a number to the
/// host; indices, step sizes and losses live on the device; shapes are known to the host and so are
/// fixed for a given batch shape. Outputs are tensors given by the caller, from the device's pool.
///
/// Conventions of gradients are those of `CKernels.h`: gradients of activations are overwritten
/// unless a method takes `accumulate`, gradients of parameters are added to, nil means not wanted.
package protocol Backend: AnyObject, MatrixKernels, PointwiseKernels, RowKernels, LossKernels,
  OptimizerKernels, AttentionKernels, ScanKernels, CellKernels, ConvolutionKernels
{
  /// "cpu x86-64-v4"
  var name: String { get }
  var pool: MemoryPool { get }

  /// Copies numbers from the host; the tensor's count must be the array's.
  func upload(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor)
  func upload(_ values: UnsafeBufferPointer<Int32>, to tensor: IndexTensor)
  /// Copies numbers to the host, after all work queued so far.
  func download(_ tensor: Tensor, to values: UnsafeMutableBufferPointer<Float>)
  func download(_ tensor: IndexTensor, to values: UnsafeMutableBufferPointer<Int32>)
  func copy(_ source: Tensor, to target: Tensor)
  func fill(_ tensor: Tensor, with value: Float)
}

extension Backend {
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
