#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A library that was loaded while the program runs; it stays loaded as long as this value lives.
package struct DynamicLibrary: ~Copyable {
  /// The name under which the library was found.
  package let name: String
  private let handle: UnsafeMutableRawPointer

  /// Loads the first library of a list that can be loaded.
  ///
  /// - Parameter names: File names (searched where the system keeps its libraries) or paths.
  /// - Throws: `DynamicLibraryError` with the system's reason for each name.
  package init(anyOf names: [String]) throws(DynamicLibraryError) {
    var attempts: [DynamicLibraryError.Attempt] = []
    for name in names {
      if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) {
        self.name = name
        self.handle = handle
        return
      }
      attempts.append(.init(name: name, reason: Self.lastError()))
    }
    throw DynamicLibraryError(wanted: "library", attempts: attempts)
  }

  deinit { dlclose(handle) }

  /// The address of a function or variable of the library, or nil where it has none of the name.
  package func address(of symbol: String) -> UnsafeMutableRawPointer? { dlsym(handle, symbol) }

  /// A function of the library.
  ///
  /// - Parameters:
  ///   - symbol: The function's name in the library.
  ///   - type: Its type, which nothing can check: a `@convention(c)` function type.
  /// - Returns: The function, which must not be called once the library is gone.
  /// - Throws: `DynamicLibraryError` where the library has no such symbol.
  package func function<Function>(
    _ symbol: String, as type: Function.Type
  ) throws(DynamicLibraryError) -> Function {
    guard let address = address(of: symbol) else {
      throw DynamicLibraryError(
        wanted: "function '\(symbol)'", attempts: [.init(name: name, reason: Self.lastError())])
    }
    return unsafeBitCast(address, to: type)
  }

  private static func lastError() -> String {
    dlerror().map { String(cString: $0) } ?? "no reason was given"
  }
}

/// What was tried to find a library or one of its functions, and why each attempt failed.
package struct DynamicLibraryError: Error, Sendable, Hashable, CustomStringConvertible {
  package struct Attempt: Sendable, Hashable {
    package let name: String
    package let reason: String
  }

  package let wanted: String
  package let attempts: [Attempt]

  package var description: String {
    "no \(wanted) found; tried "
      + attempts.map { "\($0.name) (\($0.reason))" }.joined(separator: ", ")
  }
}
