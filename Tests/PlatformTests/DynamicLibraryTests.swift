import Platform
import Testing

@Suite struct DynamicLibraryTests {
  #if canImport(Darwin)
    private static let mathematics = ["libm.dylib"]
  #else
    private static let mathematics = ["libm.so.6", "libm.so", "libc.so"]
  #endif

  @Test func functionsAreFoundAndCalled() throws {
    let library = try DynamicLibrary(anyOf: ["libdoes-not-exist.so"] + Self.mathematics)
    typealias Function = @convention(c) (Double) -> Double
    let cosine = try library.function("cos", as: Function.self)
    #expect(cosine(0) == 1)
    #expect(library.address(of: "no_such_function") == nil)
    #expect(Self.mathematics.contains(library.name))
  }

  @Test func errorsNameWhatWasTried() {
    do {
      _ = try DynamicLibrary(anyOf: ["libnone-a.so", "libnone-b.so"])
      Issue.record("a library that does not exist was loaded")
    } catch {
      #expect(error.attempts.map(\.name) == ["libnone-a.so", "libnone-b.so"])
      #expect(error.description.hasPrefix("no library found; tried libnone-a.so ("))
    }
  }

  @Test func missingFunctionsAreNamed() throws {
    let library = try DynamicLibrary(anyOf: Self.mathematics)
    typealias Function = @convention(c) () -> Void
    do {
      _ = try library.function("no_such_function", as: Function.self)
      Issue.record("a function that does not exist was found")
    } catch {
      #expect(error.description.hasPrefix("no function 'no_such_function' found; tried "))
    }
  }
}
