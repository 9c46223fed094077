import CCUDA
package import Tensors

/// Work that was recorded once and runs again as one launch, a CUDA graph.
///
/// It reads and writes the memory that it was recorded with.
package final class CapturedStep: Replayable {
  package let nodeCount: Int
  private let executable: hc_handle?
  private let backend: CUDABackend
  private let uploads: [PageLockedBlock]

  fileprivate init(
    _ graph: hc_handle?, uploads: [PageLockedBlock], on backend: CUDABackend
  ) throws(CUDAError) {
    self.backend = backend
    self.uploads = uploads
    let (libraries, driver) = (backend.libraries, backend.driver)
    var count = 0
    try libraries.check(driver.graph_nodes(graph, nil, &count), "counting a step's kernels")
    nodeCount = count
    var executable: hc_handle?
    try libraries.check(
      driver.graph_instantiate(&executable, graph, 0), "preparing a step of \(count) kernels")
    self.executable = executable
  }

  deinit { _ = backend.driver.graph_executable_destroy(executable) }

  package func replay() {
    guard backend.isUsable else { return }
    // The step may read or write any of the sums that wait.
    backend.settleSums()
    backend.note(
      backend.ownStream.queue { backend.driver.graph_launch(executable, $0) }, "running a step")
  }
}

extension CUDABackend {
  /// Runs `body` with tensors from the memory of captured steps, as a capture will: the first run
  /// compiles kernels and gets the memory, which must not happen while a step is recorded.
  ///
  /// What `body` makes is gone when it returns: steps captured before may write there when they are
  /// replayed, and so it is a failure to keep any of it.
  package func rehearse(_ body: () -> Void) {
    let own = pool
    settleSums()
    pool = stepPool
    body()
    settleSums()
    pool = own
    if stepPool.blocksLent > 0 {
      note(CUDAError("a step on \(name) keeps tensors in the memory that steps share"))
    }
  }

  package func capture(_ body: () -> Void) -> (any Replayable)? {
    var step: CapturedStep?
    device.alone { step = record(body) }
    return step
  }

  private func record(_ body: () -> Void) -> CapturedStep? {
    guard isUsable else { return nil }
    // What is recorded depends on nothing that was queued before.
    note(
      ownStream.queue { driver.capture_begin($0, Int32(HC_CAPTURE_RELAXED)) }, "recording a step")
    guard isUsable else { return nil }
    recordedUploads = []
    rehearse(body)
    let uploads = recordedUploads ?? []
    recordedUploads = nil
    var graph: hc_handle?
    // A recording is ended even where its work failed.
    note(ownStream.queue { driver.capture_end($0, &graph) }, "recording a step")
    defer { if let graph { _ = driver.graph_destroy(graph) } }
    guard isUsable, graph != nil else { return nil }
    do throws(CUDAError) {
      return try CapturedStep(graph, uploads: uploads, on: self)
    } catch {
      note(error)
      return nil
    }
  }
}
