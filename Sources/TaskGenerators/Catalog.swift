/// The tasks of the suite.
///
/// A task that is listed here is tested by the contract tests, and is known to grids, `list`,
/// `show` and `generate`.
public enum TaskCatalog {
  public static let all: [any TaskGenerator.Type] = [
    MultiQueryRecall.self,
    Parity.self,
  ]
}
