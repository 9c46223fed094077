/// Why a file of a store cannot be used: its path and what is wrong with it.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What to make of it.
  public enum Kind: Sendable {
    /// The content is not what was written: the file may be set aside and made again.
    case damaged
    /// The file is whole but another version's; it must stay as it is.
    case otherVersion
    /// The system does not let us read or write.
    case system
    /// Something else, such as a name that is no key.
    case refused
  }

  public let path: String
  public let problem: String
  public let kind: Kind

  public var description: String { "\(path): \(problem)" }

  package init(_ path: String, _ problem: String, _ kind: Kind = .refused) {
    self.path = path
    self.problem = problem
    self.kind = kind
  }
}
