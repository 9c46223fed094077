/// Why a file of a store cannot be used: its path and what is wrong with it.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
  public let path: String
  public let problem: String

  public var description: String { "\(path): \(problem)" }

  init(_ path: String, _ problem: String) {
    self.path = path
    self.problem = problem
  }
}
