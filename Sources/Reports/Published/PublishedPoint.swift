/// A result that was published elsewhere, drawn beside ours in the plot of score against state.
public struct PublishedPoint: Codable, Sendable, Hashable {
  /// The architecture: points of one series share a marker.
  public let series: String
  /// The task whose plot it belongs to; nil for all of them.
  public let task: String?
  public let stateBytes: Int
  /// The score by the task's headline metric.
  public let score: Double
  /// Where it is from: a paper and its figure.
  public let source: String

  static let columns = PublishedColumns(
    required: ["series", "stateBytes", "score", "source"], others: ["task"])

  init(series: String, task: String?, stateBytes: Int, score: Double, source: String) {
    (self.series, self.task, self.source) = (series, task, source)
    (self.stateBytes, self.score) = (stateBytes, score)
  }

  init(_ row: PublishedRow) throws(ReportError) {
    guard let bytes = Int(row["stateBytes"]), bytes > 0 else {
      throw row.fault("stateBytes", "a whole number of at least 1")
    }
    guard let score = Double(row["score"]), (0...1).contains(score) else {
      throw row.fault("score", "a number from 0 to 1")
    }
    self.init(
      series: try row.text("series"), task: row.optional("task"), stateBytes: bytes, score: score,
      source: row["source"])
  }
}
