import CCUDA
import Platform

/// The driver, the run-time compiler and the BLAS library, opened while the program runs.
///
/// Machines without them are a normal state: opening then fails with a reason that can be shown.
/// The libraries stay open until the program ends.
package struct CUDALibraries: @unchecked Sendable {
  let driver: hc_driver
  /// Launches of kernels that begin before others end; nil with older drivers.
  let launcher: hc_launcher?
  let compiler: hc_compiler
  let blas: hc_blas
  /// Products with a bias in one kernel; nil on machines without that library, which do it in two.
  let fused: hc_fused?
  /// nvrtc's version, such as (13, 0); compiled kernels are kept by it.
  let compilerVersion: (major: Int, minor: Int)

  /// What finds a library's functions: tests give their own.
  package typealias Lookup = (_ library: Library, _ symbol: String) throws(CUDAError) ->
    UnsafeMutableRawPointer?

  package enum Library: String, CaseIterable, Sendable {
    case driver, compiler, blas, fused

    /// Whether the GPU cannot be used without it.
    package var isRequired: Bool { self != .fused }

    /// The files to try: `HYSTERESIS_NVRTC` and `HYSTERESIS_CUBLAS` name one, where the system does
    /// not find it.
    var names: [String] {
      switch self {
      case .driver: ["libcuda.so.1", "libcuda.so"]
      case .compiler:
        Environment.value("HYSTERESIS_NVRTC").map { [$0] }
          ?? Self.versions("libnvrtc.so", 13, 12, 11)
      case .blas:
        Environment.value("HYSTERESIS_CUBLAS").map { [$0] }
          ?? Self.versions("libcublas.so", 13, 12, 11)
      // The matrix library needs it too, and has loaded it by this name.
      case .fused: Self.versions("libcublasLt.so", 13, 12, 11)
      }
    }

    /// What to call it where it is missing.
    var title: String {
      switch self {
      case .driver: "NVIDIA driver (libcuda.so.1)"
      case .compiler: "CUDA run-time compiler (libnvrtc.so)"
      case .blas: "CUDA matrix library (libcublas.so)"
      case .fused: "CUDA library of fused products (libcublasLt.so)"
      }
    }

    private static func versions(_ name: String, _ versions: Int...) -> [String] {
      let files = [name] + versions.map { "\(name).\($0)" }
      return files + files.map { "/usr/local/cuda/lib64/" + $0 }
    }
  }

  /// Opens the machine's libraries.
  ///
  /// - Throws: `CUDAError` that says which one is missing.
  package init() throws(CUDAError) {
    let opened = try OpenLibraries()
    try self.init { library, symbol in opened.address(of: symbol, in: library) }
  }

  /// Fills the tables of functions with what `lookup` finds, and starts the driver.
  package init(lookup: @escaping Lookup) throws(CUDAError) {
    var (driver, compiler, blas) = (hc_driver(), hc_compiler(), hc_blas())
    try Self.load(.driver, lookup) { hc_load_driver(&driver, $0, $1) }
    try Self.load(.compiler, lookup) { hc_load_compiler(&compiler, $0, $1) }
    try Self.load(.blas, lookup) { hc_load_blas(&blas, $0, $1) }
    (self.driver, self.compiler, self.blas) = (driver, compiler, blas)
    var launcher = hc_launcher()
    let hasLauncher: ()? = try? Self.load(.driver, lookup) { hc_load_launcher(&launcher, $0, $1) }
    self.launcher = hasLauncher.map { launcher }
    var fused = hc_fused()
    let hasFused: ()? = try? Self.load(.fused, lookup) { hc_load_fused(&fused, $0, $1) }
    self.fused = hasFused.map { fused }
    var (major, minor): (Int32, Int32) = (0, 0)
    guard compiler.version(&major, &minor) == 0 else {
      throw CUDAError("the run-time compiler does not tell its version")
    }
    compilerVersion = (Int(major), Int(minor))
    try check(driver.`init`(0), "starting the driver")
  }

  /// The run-time compiler alone.
  ///
  /// - Throws: `CUDAError` where there is none.
  static func openCompiler() throws(CUDAError) -> hc_compiler {
    let opened = OpenCompiler(try OpenLibraries.open(.compiler))
    var compiler = hc_compiler()
    try load(.compiler) { (_, symbol) throws(CUDAError) in
      opened.library.address(of: symbol)
    } _: {
      hc_load_compiler(&compiler, $0, $1)
    }
    // Its functions are used until the program ends.
    _ = Unmanaged.passRetained(opened)
    return compiler
  }

  /// Throws where the driver reported an error.
  func check(_ status: Int32, _ what: @autoclosure () -> String) throws(CUDAError) {
    guard status != 0 else { return }
    throw CUDAError(what(), status: status, reason: reason(status))
  }

  private func reason(_ status: Int32) -> String {
    var text: UnsafePointer<CChar>?
    guard driver.error_text(status, &text) == 0, let text else { return "no reason was given" }
    return String(cString: text)
  }

  private static func load(
    _ library: Library, _ lookup: @escaping Lookup,
    _ fill: (hc_lookup, UnsafeMutableRawPointer) -> UnsafePointer<CChar>?
  ) throws(CUDAError) {
    let request = LookupRequest(library, lookup)
    let missing = withExtendedLifetime(request) {
      fill(
        { symbol, request in
          guard let symbol, let request else { return nil }
          return Unmanaged<LookupRequest>.fromOpaque(request).takeUnretainedValue()
            .find(String(cString: symbol))
        }, Unmanaged.passUnretained(request).toOpaque())
    }
    if let error = request.error { throw error }
    if let missing {
      throw CUDAError("the CUDA \(library.rawValue) library has no '\(String(cString: missing))'")
    }
  }
}

/// A lookup on its way through C.
private final class LookupRequest {
  private let library: CUDALibraries.Library
  private let lookup: CUDALibraries.Lookup
  private(set) var error: CUDAError?

  init(_ library: CUDALibraries.Library, _ lookup: @escaping CUDALibraries.Lookup) {
    self.library = library
    self.lookup = lookup
  }

  func find(_ symbol: String) -> UnsafeMutableRawPointer? {
    do throws(CUDAError) {
      return try lookup(library, symbol)
    } catch {
      self.error = error
      return nil
    }
  }
}

private final class OpenCompiler {
  let library: DynamicLibrary
  init(_ library: consuming DynamicLibrary) { self.library = library }
}

/// The libraries as the system has them; never closed.
private final class OpenLibraries {
  private let driver: DynamicLibrary
  private let compiler: DynamicLibrary
  private let blas: DynamicLibrary
  private let fused: DynamicLibrary?

  init() throws(CUDAError) {
    driver = try Self.open(.driver)
    compiler = try Self.open(.compiler)
    blas = try Self.open(.blas)
    fused = try? Self.open(.fused)
    // The functions are used until the program ends.
    _ = Unmanaged.passRetained(self)
  }

  static func open(_ library: CUDALibraries.Library) throws(CUDAError) -> DynamicLibrary {
    do throws(DynamicLibraryError) {
      return try DynamicLibrary(anyOf: library.names)
    } catch {
      throw CUDAError("no \(library.title) on this machine")
    }
  }

  func address(of symbol: String, in library: CUDALibraries.Library) -> UnsafeMutableRawPointer? {
    switch library {
    case .driver: driver.address(of: symbol)
    case .compiler: compiler.address(of: symbol)
    case .blas: blas.address(of: symbol)
    case .fused: fused?.address(of: symbol)
    }
  }
}

/// Something that a GPU or its libraries refused.
package struct CUDAError: Error, Sendable, Hashable, CustomStringConvertible {
  package let what: String
  /// The driver's number, 0 where the driver was not reached.
  package let status: Int32
  package let reason: String?

  package init(_ what: String, status: Int32 = 0, reason: String? = nil) {
    self.what = what
    self.status = status
    self.reason = reason
  }

  /// Whether the machine has no NVIDIA driver, as most have not.
  package var isNoDriver: Bool { self == Self.noDriver }

  static let noDriver = CUDAError("no \(CUDALibraries.Library.driver.title) on this machine")

  package var isOutOfMemory: Bool { status == Int32(HC_OUT_OF_MEMORY) }

  /// Whether what lacked may be memory.
  ///
  /// Where others have all of a GPU's memory, its driver was seen to refuse the launch of a kernel that
  /// had run before with "unknown error", and to go on as if nothing had been.
  package var mayLackMemory: Bool { isOutOfMemory || status == 999 }

  /// Whether the GPU answers nothing else from now on, whoever of the process asks.
  ///
  /// What a kernel did broke the context that all share, or the hardware failed. Only a new process can
  /// go on (CUDA driver API, `CUresult`).
  package var breaksDevice: Bool {
    switch status {
    case 214, 220, 226: true  // memory or links of the hardware; an error that it contained
    case 700, 715...719: true  // wrong addresses, wrong instructions, a failed launch
    case 702, 710, 714, 721: true  // a time limit, an assertion, a broken stack, lost tensor memory
    default: false
    }
  }

  package var description: String {
    guard let reason else { return what }
    return "\(what): \(reason) (CUDA error \(status))"
  }
}
