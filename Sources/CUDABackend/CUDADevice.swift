import CCUDA
import Synchronization

/// One GPU: what it is, its context and its compiled kernels.
///
/// Several backends, each on a thread and a stream of its own, may share a device.
package final class CUDADevice: @unchecked Sendable {
  package let ordinal: Int
  /// What the maker calls it, such as "NVIDIA H200".
  package let name: String
  /// The compute capability, such as (9, 0).
  package let capability: (major: Int, minor: Int)
  package let multiprocessors: Int
  package let memoryBytes: Int
  /// The shared memory that a block may ask for.
  package let sharedBytesPerBlock: Int
  let libraries: CUDALibraries
  /// Whether groups of four warps make products, as only compute capability 9.0 can, and compilers
  /// from 12.0 on.
  var hasGroups: Bool { capability == (9, 0) && libraries.compilerVersion >= (12, 0) }
  /// Whether a kernel may be launched before the one before it in the stream has ended.
  ///
  /// That hides the time of a launch ("programmatic dependent launch", CUDA C++ Programming Guide).
  /// Kernels wait by themselves for what they read (`begin_kernel` in common.cuh): results are the same.
  package let overlapsLaunches: Bool
  let context: hc_handle?
  private let handle: Int32
  let kernels: KernelStore
  private let turn = Mutex(())
  private let breakage = Mutex<CUDAError?>(nil)

  /// Opens a device.
  ///
  /// - Parameters:
  ///   - ordinal: Its number among the GPUs that the process sees.
  ///   - libraries: The driver and its companions.
  ///   - cache: Where compiled kernels are kept; nil to keep none.
  /// - Throws: `CUDAError` where there is no such device.
  package init(
    _ ordinal: Int, libraries: CUDALibraries, cache: KernelCache? = KernelCache.standard
  ) throws(CUDAError) {
    let driver = libraries.driver
    let count = try Self.count(libraries)
    guard ordinal >= 0 && ordinal < count else {
      throw CUDAError(
        "there is no cuda:\(ordinal); this machine has \(count) GPU\(count == 1 ? "" : "s")")
    }
    var device: Int32 = 0
    try libraries.check(driver.device_get(&device, Int32(ordinal)), "opening cuda:\(ordinal)")
    self.ordinal = ordinal
    self.libraries = libraries
    handle = device
    name = Self.name(device, driver)
    capability = (
      try Self.required(HC_COMPUTE_MAJOR, of: device, libraries),
      try Self.required(HC_COMPUTE_MINOR, of: device, libraries)
    )
    multiprocessors = try Self.required(HC_MULTIPROCESSORS, of: device, libraries)
    sharedBytesPerBlock = try Self.required(HC_SHARED_BYTES_PER_BLOCK, of: device, libraries)
    var bytes = 0
    try libraries.check(driver.device_memory(&bytes, device), "asking for the memory's size")
    memoryBytes = bytes
    overlapsLaunches = try Self.canOverlap(capability.major, libraries)
    kernels = KernelStore(
      libraries, architecture: "sm_\(capability.major)\(capability.minor)", cache: cache)
    // Last, because what is given back by `deinit` must not be followed by another failure.
    var context: hc_handle?
    try libraries.check(
      driver.context_retain(&context, device), "making a context on cuda:\(ordinal)")
    self.context = context
    try makeCurrent()
  }

  deinit {
    _ = libraries.driver.context_set(context)
    kernels.unload()
    _ = libraries.driver.context_release(handle)
  }

  /// The programs whose kernels were used so far, in no order.
  package var loadedPrograms: [KernelProgram] { kernels.loaded }

  /// Runs a body while no other thread does so on this device.
  ///
  /// Whatever waits for the whole device, as the matrix libraries do when they start and end,
  /// spoils what another thread is recording.
  func alone(_ body: () -> Void) { turn.withLock { _ in body() } }

  /// What broke the device for this process; nil while it works.
  package var broken: CUDAError? { breakage.withLock { $0 } }

  /// Says that the device is broken.
  ///
  /// - Parameter error: What was seen of it.
  /// - Returns: Whether nobody has said so before.
  package func noteBreakage(_ error: CUDAError) -> Bool {
    breakage.withLock { known in
      guard known == nil else { return false }
      known = error
      return true
    }
  }

  /// The number of GPUs that the process sees.
  package static func count(_ libraries: CUDALibraries) throws(CUDAError) -> Int {
    var count: Int32 = 0
    try libraries.check(libraries.driver.device_count(&count), "counting GPUs")
    return Int(count)
  }

  /// Compute capability 9.0 has the instructions; CUDA 12.3 is the first to record such launches.
  private static func canOverlap(_ major: Int, _ libraries: CUDALibraries) throws(CUDAError) -> Bool
  {
    guard major >= 9, libraries.launcher != nil else { return false }
    var version: Int32 = 0
    try libraries.check(
      libraries.driver.driver_version(&version), "asking for the driver's version")
    return version >= 12_030
  }

  /// Makes this device the calling thread's; to be called once on every thread that uses it.
  func makeCurrent() throws(CUDAError) {
    try libraries.check(libraries.driver.context_set(context), "using cuda:\(ordinal)")
  }

  /// Bytes that are free on the device at present.
  package func freeMemory() throws(CUDAError) -> Int {
    try makeCurrent()
    var (free, total) = (0, 0)
    try libraries.check(libraries.driver.memory_info(&free, &total), "asking for free memory")
    return free
  }

  /// A number that the driver knows of the device; 0 where it does not.
  func attribute(_ which: Int) -> Int {
    var value: Int32 = 0
    let status = libraries.driver.device_attribute(&value, Int32(which), handle)
    return status == 0 ? Int(value) : 0
  }

  private static func required(
    _ which: Int, of device: Int32, _ libraries: CUDALibraries
  ) throws(CUDAError) -> Int {
    var value: Int32 = 0
    try libraries.check(
      libraries.driver.device_attribute(&value, Int32(which), device), "asking what the GPU is")
    return Int(value)
  }

  private static func name(_ device: Int32, _ driver: hc_driver) -> String {
    var characters = [CChar](repeating: 0, count: 256)
    guard driver.device_name(&characters, 256, device) == 0 else { return "unnamed GPU" }
    return String(
      decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
