import CUDABackend
package import Tensors

/// One of the threads that train a grid's cells, with what it keeps from one cell to the next.
///
/// On a GPU that is its backend: a stream, the matrix libraries' handles and page-locked memory are
/// made and given back while nobody else may use the driver, which takes longer than a small cell
/// trains. The processor's backends cost nothing to make.
package final class Worker {
  /// The devices take turns by it.
  let number: Int
  private let devices: ComputeDevices
  /// Of the GPU's memory: what a worker may keep between cells.
  private let share: Int
  private var kept: CUDABackend?
  /// Whether the backend holds no memory that cells before the present one wanted.
  private(set) var isFresh = true

  /// - Parameters:
  ///   - number: Its number among the workers.
  ///   - workers: How many there are; together they keep a quarter of each GPU's memory at most.
  ///   - devices: Where they train.
  package init(_ number: Int, of workers: Int, on devices: ComputeDevices) {
    self.number = number
    self.devices = devices
    let neighbours = (workers + devices.names.count - 1) / devices.names.count
    share = 4 * max(1, neighbours)
  }

  /// What broke its device; nil while that works.
  package var breakage: String? { devices.breakage(number) }
  package var isUsable: Bool { breakage == nil }

  /// The backend for a cell; `settle` is called when the cell is done.
  ///
  /// - Throws: `CUDAError` or `UnavailableLevel`.
  package func backend() throws -> any Backend {
    isFresh = kept == nil
    if let kept { return kept }
    let made = try devices.makeBackend(number)
    kept = made as? CUDABackend
    return made
  }

  /// Gives back a backend that failed or that holds much memory; nothing of the cell may be left.
  package func settle() {
    guard let kept else { return }
    if kept.failure != nil || kept.bytesHeld > kept.device.memoryBytes / share { self.kept = nil }
  }
}
