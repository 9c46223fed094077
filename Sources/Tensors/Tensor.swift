/// A contiguous, row-major array of 32-bit floats on a device.
package struct Tensor {
  package var storage: Storage
  /// Where the tensor starts in its storage, in elements.
  package let offset: Int
  package let shape: [Int]

  package init(storage: Storage, offset: Int = 0, shape: [Int]) {
    precondition(
      (offset + shape.reduce(1, *)) * 4 <= storage.byteCount, "tensor exceeds its storage")
    self.storage = storage
    self.offset = offset
    self.shape = shape
  }

  package var count: Int { shape.reduce(1, *) }
  /// The size of the last axis.
  package var columns: Int { shape.last ?? 1 }
  /// The product of all axes but the last.
  package var rows: Int { shape.dropLast().reduce(1, *) }

  /// The address of the first element, on the device.
  package var pointer: UnsafeMutablePointer<Float> {
    storage.address.assumingMemoryBound(to: Float.self) + offset
  }

  /// The same elements under another shape.
  package func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "cannot reshape \(self.shape) to \(shape)")
    return Tensor(storage: storage, offset: offset, shape: shape)
  }

  /// Rows start ..< start + length of the first axis.
  package func prefixRows(_ start: Int, _ length: Int) -> Tensor {
    let rest = Array(shape.dropFirst())
    precondition(start >= 0 && start + length <= shape[0], "rows out of range")
    return Tensor(
      storage: storage, offset: offset + start * rest.reduce(1, *), shape: [length] + rest)
  }
}

/// A contiguous array of 32-bit whole numbers on a device: token ids, positions, arg-maxima.
package struct IndexTensor {
  package let storage: Storage
  /// Indices before the first.
  package let offset: Int
  package let shape: [Int]

  package init(storage: Storage, offset: Int = 0, shape: [Int]) {
    precondition(
      (offset + shape.reduce(1, *)) * 4 <= storage.byteCount, "tensor exceeds its storage")
    self.storage = storage
    self.offset = offset
    self.shape = shape
  }

  package var count: Int { shape.reduce(1, *) }
  package var pointer: UnsafeMutablePointer<Int32> {
    storage.address.assumingMemoryBound(to: Int32.self) + offset
  }
}
