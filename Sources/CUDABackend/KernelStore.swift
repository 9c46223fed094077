import CCUDA
import Synchronization

/// The kernels of one device that were compiled so far, for all threads.
final class KernelStore: @unchecked Sendable {
  private let libraries: CUDALibraries
  private let architecture: String
  private let cache: KernelCache?
  private let state = Mutex(State())

  private struct State: @unchecked Sendable {
    var programs: [KernelProgram: ProgramCode] = [:]
    var functions: [Key: hc_handle] = [:]
    var shared: [Key: Int] = [:]
    var compiled = 0
  }

  /// A program's code: nothing at first, then as the compiler made it, then on the device.
  ///
  /// It has a lock of its own: who waits for it waits for nothing else, and different programs are
  /// compiled side by side.
  private final class ProgramCode: @unchecked Sendable {
    struct Content: @unchecked Sendable {
      var image: Image?
      var module: hc_handle?
    }

    struct Image {
      let bytes: [UInt8]
      let isFromDisk: Bool
    }

    private let content = Mutex(Content())

    var module: hc_handle? { content.withLock { $0 }.module }

    func update(_ body: (inout Content) throws(CUDAError) -> Void) throws(CUDAError) {
      let result: Result<Void, CUDAError> = content.withLock { content in
        do throws(CUDAError) {
          return .success(try body(&content))
        } catch {
          return .failure(error)
        }
      }
      try result.get()
    }
  }

  private struct Key: Hashable {
    let program: KernelProgram
    let name: String
  }

  init(_ libraries: CUDALibraries, architecture: String, cache: KernelCache?) {
    self.libraries = libraries
    self.architecture = architecture
    self.cache = cache
  }

  /// What is loaded at present, in no order.
  var loaded: [KernelProgram] {
    let programs = state.withLock { $0.programs }
    return programs.filter { $0.value.module != nil }.map(\.key)
  }

  /// Where compiled programs are kept; nil where nowhere.
  var cacheFolder: String? { cache?.folder }

  /// Programs that were compiled by this process, rather than read from the disk.
  var compiled: Int { state.withLock { $0.compiled } }

  /// Gives the loaded programs back; none of their kernels may be used after it.
  func unload() {
    let programs = state.withLock { state in
      defer { state = State() }
      return state.programs
    }
    for module in programs.values.compactMap(\.module) {
      _ = libraries.driver.module_unload(module)
    }
  }

  /// Whether a kernel can be had at once.
  func isReady(_ program: KernelProgram, _ name: String, shared: Int) -> Bool {
    ready(Key(program: program, name: name), shared: shared) != nil
  }

  /// A kernel that was used before, with at least as much shared memory.
  private func ready(_ key: Key, shared: Int) -> hc_handle? {
    state.withLock {
      shared <= max(48 << 10, $0.shared[key] ?? 0) ? $0.functions[key] : nil
    }
  }

  /// A kernel, compiled or read where it is not loaded yet; the device must be current.
  ///
  /// - Parameters:
  ///   - program: The file and its constants.
  ///   - name: The kernel's name there.
  ///   - shared: The dynamic shared memory of its launches, in bytes; beyond 48 KB a kernel must be
  ///     told before.
  /// - Returns: The kernel as the driver knows it.
  /// - Throws: `CUDAError` where it does not compile or is not in the file.
  func function(
    _ program: KernelProgram, _ name: String, shared: Int
  ) throws(CUDAError) -> hc_handle? {
    let key = Key(program: program, name: name)
    if let ready = ready(key, shared: shared) { return ready }
    let code = code(of: program)
    try load(program, code)
    let result: Result<hc_handle?, CUDAError> = state.withLock { state in
      do throws(CUDAError) {
        return .success(try find(key, in: code, shared: shared, &state))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func find(
    _ key: Key, in code: ProgramCode, shared: Int, _ state: inout State
  ) throws(CUDAError) -> hc_handle? {
    let function: hc_handle?
    if let known = state.functions[key] {
      function = known
    } else {
      var found: hc_handle?
      try libraries.check(
        libraries.driver.module_function(&found, code.module, key.name),
        "finding kernel '\(key.name)' of \(key.program.title)")
      state.functions[key] = found
      function = found
    }
    if shared > max(48 << 10, state.shared[key] ?? 0) {
      try libraries.check(
        libraries.driver.function_set(function, Int32(HC_FUNCTION_SHARED_BYTES), Int32(shared)),
        "giving kernel '\(key.name)' \(shared) bytes of shared memory")
      state.shared[key] = shared
    }
    return function
  }

  /// Compiles or reads a program where that was not done yet; asks nothing of the device.
  func prepare(_ program: KernelProgram) throws(CUDAError) {
    try code(of: program).update { content throws(CUDAError) in
      guard content.module == nil, content.image == nil else { return }
      content.image = try image(of: program)
    }
  }

  private func code(of program: KernelProgram) -> ProgramCode {
    state.withLock { state in
      let code = state.programs[program] ?? ProgramCode()
      state.programs[program] = code
      return code
    }
  }

  private func load(_ program: KernelProgram, _ code: ProgramCode) throws(CUDAError) {
    try code.update { content throws(CUDAError) in
      guard content.module == nil else { return }
      let image = if let image = content.image { image } else { try image(of: program) }
      content.image = nil
      content.module = try load(image.bytes, of: program)
      // What the disk had may be of a device that this driver does not know.
      if content.module == nil, image.isFromDisk {
        content.module = try load(try compile(program).bytes, of: program)
      }
      guard content.module != nil else {
        throw CUDAError("the driver does not load \(program.title) for \(architecture)")
      }
    }
  }

  private func image(of program: KernelProgram) throws(CUDAError) -> ProgramCode.Image {
    if let known = cache?.read(name(program)) {
      return ProgramCode.Image(bytes: known, isFromDisk: true)
    }
    return try compile(program)
  }

  private func compile(_ program: KernelProgram) throws(CUDAError) -> ProgramCode.Image {
    let image = try libraries.compile(program, architecture: architecture)
    state.withLock { $0.compiled += 1 }
    cache?.write(image, as: name(program))
    return ProgramCode.Image(bytes: image, isFromDisk: false)
  }

  private func name(_ program: KernelProgram) -> String {
    let version = libraries.compilerVersion
    return KernelCache.name(
      text: program.text,
      options: program.options(architecture: architecture)
        + ["nvrtc \(version.major).\(version.minor)"])
  }

  /// nil where the driver does not take the image.
  ///
  /// - Throws: `CUDAError` where the device has no memory for it.
  private func load(_ image: [UInt8], of program: KernelProgram) throws(CUDAError) -> hc_handle? {
    var module: hc_handle?
    let status = image.withUnsafeBytes { libraries.driver.module_load(&module, $0.baseAddress) }
    if status == Int32(HC_OUT_OF_MEMORY) {
      try libraries.check(status, "loading \(program.title)")
    }
    return status == 0 ? module : nil
  }
}
