import CPUBackend
import Tensors

/// A device that computes nothing: it counts the operations that it is asked for, and the memory.
///
/// A model runs on it as on any other device, in a moment and without memory, so what a training
/// step costs is known for every mixer without a formula of its own, those of other packages too.
///
/// What is counted: every addition, multiplication, comparison, exponential and the like of the
/// computation as it is defined is one operation, a product of matrices m x k and k x n has
/// 2 m n k. Causal attention counts the pairs that it looks at; a recurrence counts its steps one
/// by one, also where a kernel works in blocks. Backward passes count what they make again.
final class CountingBackend: Backend {
  let name = "counting"
  let keepsNumbers = false
  let pool: MemoryPool
  /// Operations so far.
  private(set) var operations = 0.0
  /// The device whose kernels' needs for memory are assumed.
  private let model: any Backend
  private let nowhere: UnsafeMutableRawPointer

  /// Makes a counter.
  ///
  /// - Throws: `UnavailableLevel` where the machine has no kernels at all.
  init() throws(UnavailableLevel) {
    model = try CPUBackend()
    // Blocks of any size lie there: nothing reads or writes them.
    let nowhere = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    self.nowhere = nowhere
    pool = MemoryPool(obtain: { _ in nowhere }, discard: { _, _ in })
  }

  deinit { nowhere.deallocate() }

  /// Counts operations on each of a number of elements.
  func count(_ operations: Double = 1, each elements: Int) {
    self.operations += operations * Double(elements)
  }

  func upload(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor) {}
  func upload(_ values: UnsafeBufferPointer<Int32>, to tensor: IndexTensor) {}
  func download(_ tensor: Tensor, to values: UnsafeMutableBufferPointer<Float>) {
    values.update(repeating: 0)
  }
  func download(_ tensor: IndexTensor, to values: UnsafeMutableBufferPointer<Int32>) {
    values.update(repeating: 0)
  }
  func copy(_ source: Tensor, to target: Tensor) {}
  func fill(_ tensor: Tensor, with value: Float) {}

  func scanCheckpointCount(_ shape: ScanShape) -> Int { model.scanCheckpointCount(shape) }
  func selectiveCheckpointCount(_ shape: SelectiveShape) -> Int {
    model.selectiveCheckpointCount(shape)
  }
  func cellSavedCount(_ shape: CellShape) -> Int { model.cellSavedCount(shape) }
}
