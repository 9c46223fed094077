/// A score of one of the models that was published elsewhere, for a table beside ours.
public struct PublishedScore: Codable, Sendable, Hashable {
  /// A model of the report.
  public let model: String
  /// The task it belongs to; nil for all of them.
  public let task: String?
  /// The slice of which it is one band; nil where it is the score of all test examples.
  public let slice: String?
  public let band: Span?
  /// From chance (0) to perfect (1).
  public let scaled: Double
  /// Where it is from: a paper and its table.
  public let source: String

  static let columns = PublishedColumns(
    required: ["model", "scaled", "source"], others: ["task", "slice", "from", "to"])

  init(_ row: PublishedRow) throws(ReportError) {
    guard let scaled = Double(row["scaled"]), (-1...1).contains(scaled) else {
      throw row.fault("scaled", "a number from -1 to 1, where 0 is chance")
    }
    self.scaled = scaled
    model = try row.text("model")
    task = row.optional("task")
    source = row["source"]
    slice = row.optional("slice")
    guard slice != nil else {
      for name in ["from", "to"] where row.optional(name) != nil {
        throw row.fault(name, "empty where slice is")
      }
      band = nil
      return
    }
    guard let from = Int(row["from"]) else { throw row.fault("from", "a whole number") }
    guard let to = Int(row["to"]), to >= from else {
      throw row.fault("to", "a whole number of at least \(from)")
    }
    band = Span(from: from, to: to)
  }
}
