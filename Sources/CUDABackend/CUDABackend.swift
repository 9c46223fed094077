import CCUDA
package import Tensors

/// A GPU as a device: one stream, on which everything is queued in order.
///
/// Kernels run behind the host, so what goes wrong is kept in `failure` and everything after it is
/// skipped; whoever trains looks at it when it looks at the loss.
package final class CUDABackend: Device {
  package let device: CUDADevice
  package let name: String
  /// Where tensors come from at present: the stream's own pool, or that of captured steps.
  package internal(set) var pool: MemoryPool
  /// The first thing that a call of the driver or of a library refused.
  private var firstFailure: CUDAError?
  let libraries: CUDALibraries
  let driver: hc_driver
  let allocator: DeviceAllocator
  /// The stream's own pool.
  private let ownPool: MemoryPool
  /// Memory of captured steps: they are replayed one after the other, so they share it, and nothing
  /// else may be put there.
  let stepPool: MemoryPool
  let staging: StagingRing
  /// What was uploaded while a step is recorded: the copies in it read it at every replay.
  var recordedUploads: [PageLockedBlock]?
  /// Sums that wait until the first of them is wanted.
  var lateSums: [LateSum] = []
  /// What `counters` gave, of several sizes.
  private var counterBlocks: [Tensor] = []
  /// What kernels are queued, where someone asks.
  var log = WorkLog()
  let ownStream: CUDAStream
  private let matrixLibrary: MatrixLibrary
  let biasedProducts: BiasedProducts?

  /// Opens a stream on a device.
  ///
  /// - Parameters:
  ///   - device: The GPU.
  ///   - poison: Fill every block of memory with NaN before it is used, so that a kernel that does
  ///     not write all of its output is found.
  /// - Throws: `CUDAError` where the device is not ready.
  package init(_ device: CUDADevice, poison: Bool = false) throws(CUDAError) {
    self.device = device
    name = "cuda:\(device.ordinal) \(device.name)"
    libraries = device.libraries
    driver = libraries.driver
    let stream = try CUDAStream(device)
    ownStream = stream
    let allocator = DeviceAllocator(stream)
    self.allocator = allocator
    let makePool = {
      MemoryPool(
        obtain: { allocator.allocate(byteCount: $0) },
        discard: { block, _ in allocator.free(block) },
        prepare: poison ? { allocator.poison($0, byteCount: $1) } : nil)
    }
    ownPool = makePool()
    pool = ownPool
    stepPool = makePool()
    staging = try StagingRing(stream)
    matrixLibrary = try MatrixLibrary(stream, allocator: allocator)
    biasedProducts = BiasedProducts(stream, workspace: matrixLibrary.workspace)
  }

  deinit {
    _ = driver.context_set(device.context)
    // The host's memory is given back only when no copy reads it any more.
    _ = driver.stream_wait(stream)
  }

  var stream: hc_handle? { ownStream.handle }
  var blas: hc_handle? { matrixLibrary.handle }

  package var factorRounding: Double { 0x1p-11 }

  /// Bytes of device memory that this backend holds.
  package var bytesHeld: Int { ownPool.bytesHeld + stepPool.bytesHeld }

  /// Waits until all that was queued is done.
  package func synchronize() {
    settleSums()
    note(driver.stream_wait(stream), "waiting for \(name)")
  }

  /// The first thing that went wrong, a failure to get memory included.
  package var failure: (any Error)? { firstFailure ?? allocator.failure }

  /// Whether work may still be queued.
  var isUsable: Bool { firstFailure == nil && allocator.failure == nil }

  /// Keeps the first failure.
  func note(_ error: CUDAError) {
    if isUsable { firstFailure = error }
  }

  /// Keeps what the driver refused, where it is the first failure.
  func note(_ status: Int32, _ what: @autoclosure () -> String) {
    guard status != 0 else { return }
    do throws(CUDAError) {
      try libraries.check(status, what())
    } catch {
      note(error)
    }
  }
}

extension CUDABackend {
  package func upload(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor) {
    upload(UnsafeRawBufferPointer(values).prefix(tensor.count * 4), to: tensor.pointer)
  }

  package func upload(_ values: UnsafeBufferPointer<Int32>, to tensor: IndexTensor) {
    upload(UnsafeRawBufferPointer(values).prefix(tensor.count * 4), to: tensor.pointer)
  }

  private func upload(_ bytes: Slice<UnsafeRawBufferPointer>, to address: UnsafeMutableRawPointer) {
    guard isUsable, !bytes.isEmpty else { return }
    settleSums()
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    guard recordedUploads == nil else { return record(bytes, to: address.device) }
    note(staging.send(bytes, to: address.device), "copying to \(name)")
  }

  /// A recorded copy reads its source at every replay, so the source stays as long as the step.
  private func record(_ bytes: UnsafeRawBufferPointer, to address: hc_address) {
    do throws(CUDAError) {
      let block = try PageLockedBlock(byteCount: bytes.count, on: device)
      block.address.copyMemory(
        from: bytes.baseAddress ?? UnsafeRawPointer(block.address), byteCount: bytes.count)
      recordedUploads?.append(block)
      try libraries.check(
        ownStream.queue { driver.copy_in(address, block.address, bytes.count, $0) },
        "copying to \(name)")
    } catch {
      note(error)
    }
  }

  package func download(_ tensor: Tensor, to values: UnsafeMutableBufferPointer<Float>) {
    download(tensor.pointer, to: UnsafeMutableRawBufferPointer(values).prefix(tensor.count * 4))
  }

  package func download(_ tensor: IndexTensor, to values: UnsafeMutableBufferPointer<Int32>) {
    download(tensor.pointer, to: UnsafeMutableRawBufferPointer(values).prefix(tensor.count * 4))
  }

  private func download(
    _ address: UnsafeMutableRawPointer, to bytes: Slice<UnsafeMutableRawBufferPointer>
  ) {
    settleSums()
    let bytes = UnsafeMutableRawBufferPointer(rebasing: bytes)
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    if isUsable {
      note(
        ownStream.queue { driver.copy_out(base, address.device, bytes.count, $0) },
        "copying from \(name)")
      note(driver.stream_wait(stream), "copying from \(name)")
    }
    guard !isUsable else { return }
    // NaN as a float, -1 as an index: nobody takes it for a result.
    base.initializeMemory(as: UInt8.self, repeating: 0xff, count: bytes.count)
  }

  package func copy(_ source: Tensor, to target: Tensor) {
    guard isUsable, source.count > 0 else { return }
    settleSums(before: [source, target])
    logWork("copy", [source, target])
    note(
      ownStream.queue {
        driver.copy_across(
          target.pointer.raw.device, source.pointer.raw.device, source.count * 4, $0)
      },
      "copying on \(name)")
  }

  package func fill(_ tensor: Tensor, with value: Float) {
    guard isUsable, tensor.count > 0 else { return }
    settleSums(before: [tensor])
    logWork("fill", [tensor])
    note(
      ownStream.queue {
        driver.fill(tensor.pointer.raw.device, value.bitPattern, tensor.count, $0)
      },
      "filling on \(name)")
  }

  /// At least `count` integers where the blocks of a kernel, or of two in a row, count themselves, and
  /// that are 0 between such calls.
  ///
  /// They are kept as long as the backend, since captured steps go on using them. They are not of the
  /// steps' memory, also where a step asks for them: of that, the steps captured before write to what
  /// is free at present.
  func counters(_ count: Int) -> Tensor {
    if let counters = counterBlocks.first(where: { $0.count >= count }) { return counters }
    let current = pool
    pool = ownPool
    defer { pool = current }
    let counters = zeros([powerOfTwo(atLeast: max(count, 1024))])
    counterBlocks.append(counters)
    return counters
  }
}

extension UnsafeMutableRawPointer {
  /// The address as the driver takes it.
  var device: hc_address { hc_address(UInt(bitPattern: self)) }
}

extension UnsafeMutablePointer {
  var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) }
}
