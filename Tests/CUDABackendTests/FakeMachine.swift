import CUDABackend
import FakeCUDA
import Foundation
import Tensors
import Testing

/// A machine with imaginary GPUs, for the calling thread.
final class FakeMachine: @unchecked Sendable {
  private let fake: OpaquePointer

  fileprivate init(devices: Int, memory: Int) {
    guard let fake = fake_create(Int32(devices), memory) else { preconditionFailure() }
    self.fake = fake
    use()
  }

  deinit { fake_destroy(fake) }

  /// Makes it the machine of this thread too.
  func use() { fake_use(fake) }

  /// The machine's libraries, without one of them where it is named.
  func libraries(without missing: CUDALibraries.Library? = nil) throws(CUDAError) -> CUDALibraries {
    try CUDALibraries { library, symbol in library == missing ? nil : fake_symbol(symbol) }
  }

  func device(_ ordinal: Int = 0, cache: KernelCache? = nil) throws(CUDAError) -> CUDADevice {
    try CUDADevice(ordinal, libraries: try libraries(), cache: cache)
  }

  func backend(poison: Bool = false, cache: KernelCache? = nil) throws(CUDAError) -> CUDABackend {
    try CUDABackend(try device(cache: cache), poison: poison)
  }

  /// Makes the GPUs and their driver older: a capability such as 80, a version such as 12020.
  func set(capability: Int, driver: Int) {
    fake_set_capability(fake, Int32(capability))
    fake_set_driver_version(fake, Int32(driver))
  }

  /// Makes the GPUs those that most people have at home, compute capability 8.9.
  func becomeSmall() {
    set(capability: 89, driver: 13_010)
    fake_set_shared_bytes(fake, 99 << 10)
  }

  /// Makes one call of a function fail.
  func fail(_ symbol: String, call: Int = 1, status: Int32 = 999) {
    fake_fail(fake, symbol, call, status)
  }

  func calls(_ symbol: String) -> Int { fake_calls(fake, symbol) }

  /// How often each function was called so far.
  var allCalls: [String: Int] {
    var calls: [String: Int] = [:]
    var index: Int32 = 0
    while let name = fake_symbol_name(index) {
      calls[String(cString: name)] = fake_calls(fake, name)
      index += 1
    }
    return calls
  }

  var live: fake_counts { fake_live(fake) }
  /// From now on work is only recorded.
  func stopWorking() { fake_set_working(fake, 0) }

  /// From now on compilations wait until so many threads compile.
  func expectCompilers(_ count: Int) { fake_expect_compilers(fake, Int32(count)) }

  var replays: Int { fake_replays(fake) }
  /// The first wrong use.
  var fault: String? { fake_fault(fake).map { String(cString: $0) } }

  /// Whether all that was made was given back.
  var isClean: Bool {
    let live = live
    return [
      live.blocks, live.host_blocks, live.streams, live.events, live.contexts, live.modules,
      live.programs, live.graphs, live.executables, live.blas_handles,
      live.descriptions,
    ].allSatisfy { $0 == 0 } && live.bytes == 0
  }

  /// The launches so far, in order.
  var launches: [Launch] {
    (0..<fake_launch_count(fake)).map { Launch(fake_launch_at(fake, $0)) }
  }

  func isDeviceMemory(_ address: UInt64) -> Bool { fake_is_device_memory(fake, address) != 0 }

  /// Does the work of kernels from now on.
  func onLaunch(_ work: @escaping (Launch) -> Void) {
    self.work = work
    fake_on_launch(
      fake,
      { launch, context in
        guard let launch, let context else { return }
        Unmanaged<FakeMachine>.fromOpaque(context).takeUnretainedValue().work?(
          Launch(launch.pointee))
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private var work: ((Launch) -> Void)?
}

/// A kernel's launch as the driver sees it.
struct Launch: Equatable {
  let name: String
  let grid: [Int]
  let block: Int
  let shared: Int
  /// Whether it may begin before the launch before it ends.
  let overlaps: Bool
  /// The parameters by the types that the kernel's source gives them.
  let parameters: [Parameter]

  enum Parameter: Equatable {
    case pointer(UInt64)
    case long(Int)
    case int(Int32)
    case float(Float)
    case other

    var address: UInt64 { if case .pointer(let address) = self { address } else { 0 } }
    var count: Int { if case .long(let count) = self { count } else { 0 } }
  }

  init(_ launch: fake_launch) {
    var launch = launch
    name = withUnsafeBytes(of: &launch.name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    grid = [launch.grid.0, launch.grid.1, launch.grid.2].map(Int.init)
    block = Int(launch.block.0)
    shared = Int(launch.shared)
    overlaps = launch.overlaps != 0
    let count = Int(launch.count)
    let kinds = withUnsafeBytes(of: &launch.kinds) { Array($0.prefix(count)) }
    let slots = withUnsafeBytes(of: &launch.slots) {
      Array($0.bindMemory(to: UInt64.self).prefix(count))
    }
    parameters = zip(kinds, slots).map { kind, slot in
      switch UnicodeScalar(kind) {
      case "p": .pointer(slot)
      case "l": .long(Int(Int64(bitPattern: slot)))
      case "i": .int(Int32(truncatingIfNeeded: slot))
      case "f": .float(Float(bitPattern: UInt32(truncatingIfNeeded: slot)))
      default: .other
      }
    }
  }
}

extension Launch {
  /// The numbers that a pointer among the parameters leads to.
  func floats(_ index: Int) -> UnsafeMutablePointer<Float> {
    guard
      let pointer = UnsafeMutablePointer<Float>(
        bitPattern: UInt(parameters[index].address))
    else { preconditionFailure("no pointer") }
    return pointer
  }
}

extension Tensor {
  /// The tensor as a kernel's parameter.
  var parameter: Launch.Parameter { .pointer(UInt64(UInt(bitPattern: pointer))) }
}

/// Runs a test on an imaginary machine; in the end everything must have been given back.
@discardableResult
func withMachine<Result>(
  devices: Int = 1, memory: Int = 1 << 30, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (FakeMachine) throws -> Result
) rethrows -> Result {
  let machine = FakeMachine(devices: devices, memory: memory)
  let result = try body(machine)
  machine.use()
  #expect(machine.isClean, "\(machine.live)", sourceLocation: sourceLocation)
  #expect(machine.fault == nil, sourceLocation: sourceLocation)
  return result
}

/// A folder that is gone after the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "hysteresis-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
}
