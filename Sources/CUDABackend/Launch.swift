import CCUDA
import Tensors

/// A value that a kernel takes: eight bytes hold any of them.
protocol KernelArgument {
  var slot: UInt64 { get }
  /// The elements of a tensor; 0 for numbers.
  var elementCount: Int { get }
}

extension KernelArgument {
  var elementCount: Int { 0 }
}

/// `long` in the kernels.
extension Int: KernelArgument {
  var slot: UInt64 { UInt64(bitPattern: Int64(self)) }
}
/// `int` in the kernels.
extension Int32: KernelArgument {
  var slot: UInt64 { UInt64(UInt32(bitPattern: self)) }
}
/// `int` in the kernels, 0 or 1.
extension Bool: KernelArgument {
  var slot: UInt64 { self ? 1 : 0 }
}
extension Float: KernelArgument {
  var slot: UInt64 { UInt64(bitPattern) }
}
/// `float *`
extension Tensor: KernelArgument {
  var slot: UInt64 { pointer.raw.device }
  var elementCount: Int { count }
}
/// `int *`
extension IndexTensor: KernelArgument {
  var slot: UInt64 { pointer.raw.device }
  var elementCount: Int { count }
}
/// A null pointer where there is no tensor.
extension Optional: KernelArgument where Wrapped: KernelArgument {
  var slot: UInt64 { self?.slot ?? 0 }
  var elementCount: Int { self?.elementCount ?? 0 }
}

/// The blocks of a launch.
struct LaunchGrid {
  var x: Int
  var y = 1
  var z = 1

  init(_ x: Int, _ y: Int = 1, _ z: Int = 1) {
    self.x = x
    self.y = y
    self.z = z
  }
}

extension CUDABackend {
  /// Queues a kernel.
  ///
  /// - Parameters:
  ///   - program: The file and its constants.
  ///   - name: The kernel's name there.
  ///   - grid: The number of blocks; nothing is queued where it is 0.
  ///   - block: The threads of a block.
  ///   - shared: Dynamic shared memory, in bytes.
  ///   - arguments: The kernel's parameters in order; nothing checks their types.
  func launch(
    _ program: KernelProgram, _ name: String, grid: LaunchGrid, block: Int, shared: Int = 0,
    _ arguments: any KernelArgument...
  ) {
    launch(program, name, grid: grid, block: block, shared: shared, arguments: arguments)
  }

  /// The same with the parameters as a list.
  func launch(
    _ program: KernelProgram, _ name: String, grid: LaunchGrid, block: Int, shared: Int = 0,
    arguments: [any KernelArgument]
  ) {
    guard isUsable, grid.x > 0, grid.y > 0, grid.z > 0 else { return }
    guard shared <= device.sharedBytesPerBlock else {
      let needed = (shared + 1023) >> 10
      return note(
        CUDAError(
          "kernel '\(name)' needs \(needed) KiB of shared memory for these sizes, and \(self.name) has "
            + "\(device.sharedBytesPerBlock >> 10): a smaller model runs, or --device cpu"))
    }
    settleSums(before: arguments)
    logWork(name, arguments)
    do throws(CUDAError) {
      let function = try kernel(program, name, shared: shared)
      var slots = arguments.map(\.slot)
      let status = slots.withUnsafeMutableBufferPointer { slots in
        var pointers = slots.indices.map {
          slots.baseAddress.map { UnsafeMutableRawPointer($0) }?.advanced(by: $0 * 8)
        }
        return ownStream.queueKernel { stream, overlaps in
          guard overlaps, let launcher = libraries.launcher else {
            return driver.launch(
              function, UInt32(grid.x), UInt32(grid.y), UInt32(grid.z), UInt32(block), 1, 1,
              UInt32(shared), stream, &pointers, nil)
          }
          var overlap = hc_launch_attribute()
          (overlap.which, overlap.value.0) = (Int32(HC_LAUNCH_OVERLAPS), 1)
          return withUnsafeMutablePointer(to: &overlap) {
            var configuration = hc_launch_configuration(
              grid_x: UInt32(grid.x), grid_y: UInt32(grid.y), grid_z: UInt32(grid.z),
              block_x: UInt32(block), block_y: 1, block_z: 1, shared_bytes: UInt32(shared),
              stream: stream, attributes: $0, attribute_count: 1)
            return launcher.launch(&configuration, function, &pointers, nil)
          }
        }
      }
      try libraries.check(status, "running kernel '\(name)' of \(program.title)")
    } catch {
      note(error)
    }
  }

  /// A kernel, compiled and loaded where that was not done yet.
  ///
  /// It is loaded while nobody records, because loading may wait for the whole device, but compiled
  /// before that, while others go on.
  private func kernel(
    _ program: KernelProgram, _ name: String, shared: Int
  ) throws(CUDAError) -> hc_handle? {
    let store = device.kernels
    if recordedUploads != nil || store.isReady(program, name, shared: shared) {
      return try store.function(program, name, shared: shared)
    }
    try store.prepare(program)
    var result: Result<hc_handle?, CUDAError> = .success(nil)
    device.alone {
      do throws(CUDAError) {
        result = .success(try store.function(program, name, shared: shared))
      } catch {
        result = .failure(error)
      }
    }
    return try result.get()
  }

  /// Blocks for one thread per element, in a loop over the grid: enough to fill the device.
  func blocks(for count: Int, of threads: Int = 256) -> LaunchGrid {
    LaunchGrid(min((count + threads - 1) / threads, device.multiprocessors * 32))
  }
}
