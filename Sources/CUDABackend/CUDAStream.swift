import CCUDA

/// An order of work on a device; given back when nothing refers to it.
///
/// What belongs to a stream holds it, and it holds its device, so that they end in that order.
package final class CUDAStream {
  let device: CUDADevice
  let handle: hc_handle?
  /// Whether what was queued last is one of our kernels, with which the next may overlap.
  private(set) var endsWithKernel = false

  /// Makes a stream on a device, which becomes the calling thread's.
  ///
  /// - Throws: `CUDAError` where the device is not ready.
  package init(_ device: CUDADevice) throws(CUDAError) {
    try device.makeCurrent()
    var handle: hc_handle?
    try device.libraries.check(
      device.libraries.driver.stream_create(&handle, UInt32(HC_STREAM_NON_BLOCKING)),
      "making a stream on cuda:\(device.ordinal)")
    self.device = device
    self.handle = handle
  }

  /// Queues anything but one of our kernels: a copy, a filling, the work of a library, a graph.
  ///
  /// The kernel after it is launched the ordinary way: it then begins when all before it is done,
  /// whatever that was. Only from kernel to kernel is another dependency defined.
  func queue(_ work: (hc_handle?) -> Int32) -> Int32 {
    endsWithKernel = false
    return work(handle)
  }

  /// Queues one of our kernels.
  ///
  /// - Parameter launch: Launches it, given whether it may overlap with the one before.
  /// - Returns: The driver's status.
  func queueKernel(_ launch: (hc_handle?, _ overlaps: Bool) -> Int32) -> Int32 {
    let status = launch(handle, endsWithKernel && device.overlapsLaunches)
    endsWithKernel = status == 0
    return status
  }

  deinit {
    let driver = device.libraries.driver
    _ = driver.context_set(device.context)
    _ = driver.stream_wait(handle)
    _ = driver.stream_destroy(handle)
  }
}

/// The matrix library on a stream.
///
/// A workspace of its own makes it ask for no memory and give the same bits every time.
final class MatrixLibrary {
  /// What the library's makers advise for their newest devices.
  static let workspaceBytes = 32 << 20

  let handle: hc_handle?
  let workspace: UnsafeMutableRawPointer
  private let stream: CUDAStream

  /// Starts the library.
  ///
  /// - Throws: `CUDAError` where it does not start, or there is no memory for it.
  init(_ stream: CUDAStream, allocator: DeviceAllocator) throws(CUDAError) {
    let blas = stream.device.libraries.blas
    var handle: hc_handle?
    var status: Int32 = 0
    stream.device.alone { status = blas.create(&handle) }
    guard status == 0 else { throw Self.error("the CUDA matrix library does not start", status) }
    self.handle = handle
    self.stream = stream
    workspace = allocator.allocate(byteCount: Self.workspaceBytes)
    if let failure = allocator.failure { throw failure }
    guard blas.set_stream(handle, stream.handle) == 0,
      blas.set_workspace(handle, workspace, Self.workspaceBytes) == 0
    else { throw CUDAError("the CUDA matrix library takes no stream or no workspace") }
  }

  deinit { stream.device.alone { _ = stream.device.libraries.blas.destroy(handle) } }

  /// What a status of the library means (cuBLAS, `cublasStatus_t`).
  static func error(_ what: String, _ status: Int32) -> CUDAError {
    let text =
      switch status {
      // Where it does not say that it lacks memory (3), it mostly does so all the same.
      case 1: "the library was not initialised"
      case 3: "the library has no memory"
      case 7: "a wrong value"
      case 8: "not possible on this GPU"
      case 11: "the GPU's memory could not be reached"
      case 13: "the GPU could not run it"
      case 14: "a failure inside the library"
      case 15: "not supported"
      default: "no reason was given"
      }
    let what = "\(what): \(text) (cuBLAS status \(status))"
    return CUDAError(what, status: status == 1 || status == 3 ? Int32(HC_OUT_OF_MEMORY) : 0)
  }
}
