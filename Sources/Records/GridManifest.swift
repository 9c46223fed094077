/// The plan of the grid that a store holds the results of.
///
/// With it a report keeps the grid's order and knows what is missing.
public struct GridManifest: Codable, Sendable, Hashable {
  /// One planned cell.
  public struct Cell: Codable, Sendable, Hashable {
    public var key: String
    public var labels: CellLabels

    public init(key: String, labels: CellLabels) {
      self.key = key
      self.labels = labels
    }
  }

  public var schema: Int
  public var name: String
  public var description: String
  /// The dotted paths of what is chosen on validation.
  public var tuned: [String]
  /// The cells in the grid's order.
  public var cells: [Cell]

  public init(name: String, description: String, tuned: [String], cells: [Cell]) {
    schema = CellRecord.currentSchema
    self.name = name
    self.description = description
    self.tuned = tuned
    self.cells = cells
  }
}
