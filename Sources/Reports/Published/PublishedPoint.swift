import Platform

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
}

/// The published points of a store: the file `published.csv` in its folder.
///
/// Its first line names the columns, in any order: `series`, `stateBytes`, `score`, `source` and,
/// where the points belong to one of several tasks, `task`. It is no part of what `run` makes;
/// people write it, and `report --published FILE` puts it there.
public enum PublishedPoints {
  public static let fileName = "published.csv"
  private static let required = ["series", "stateBytes", "score", "source"]
  private static let mostBytes = 1 << 20

  /// The points of a store; none where it has no such file.
  ///
  /// - Throws: `ReportError` with the file and line that are not as above.
  public static func read(of folder: String) throws(ReportError) -> [PublishedPoint] {
    let path = folder + "/" + fileName
    return Files.exists(path) ? try read(path) : []
  }

  /// Puts a file of points into a store, in place of the one that it had.
  public static func keep(_ path: String, in folder: String) throws(ReportError) {
    do throws(FileError) {
      try AtomicFile.write(try Files.read(path), to: folder + "/" + fileName)
    } catch {
      throw ReportError(description: error.description)
    }
  }

  /// Takes the points of one store, where it has any, into another.
  public static func copy(from store: String, to other: String) throws(ReportError) {
    let path = store + "/" + fileName
    if Files.exists(path) { try keep(path, in: other) }
  }

  /// The points of a file.
  ///
  /// - Throws: `ReportError` with the file and line that are not as above.
  public static func read(_ path: String) throws(ReportError) -> [PublishedPoint] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try Files.read(path)
    } catch {
      throw ReportError(description: error.description)
    }
    guard bytes.count <= mostBytes else {
      throw ReportError(description: "\(path): it has more than \(mostBytes) bytes")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ReportError(description: "\(path): it is not UTF-8")
    }
    return try parse(text, path)
  }

  static func parse(_ text: String, _ path: String) throws(ReportError) -> [PublishedPoint] {
    let rows = CSVReader(text).rows
    guard let header = rows.first else {
      throw ReportError(
        description:
          "\(path): it is empty; its first line must be \(required.joined(separator: ","))")
    }
    var columns: [String: Int] = [:]
    for (index, name) in header.fields.enumerated() {
      guard (required + ["task"]).contains(name), columns[name] == nil else {
        throw ReportError(
          description: "\(path):\(header.line): '\(Escaping.line(name))' is no column or one given "
            + "twice; the columns are \(required.joined(separator: ", ")) and, if need be, task")
      }
      columns[name] = index
    }
    if let missing = required.first(where: { columns[$0] == nil }) {
      throw ReportError(description: "\(path):\(header.line): the column '\(missing)' is missing")
    }
    var points: [PublishedPoint] = []
    for row in rows.dropFirst() { points.append(try point(row, columns, path)) }
    return points
  }

  private static func point(
    _ row: CSVReader.Row, _ columns: [String: Int], _ path: String
  ) throws(ReportError) -> PublishedPoint {
    func fault(_ text: String) -> ReportError {
      ReportError(description: "\(path):\(row.line): \(text)")
    }
    guard row.fields.count == columns.count else {
      throw fault("it has \(row.fields.count) fields; the first line has \(columns.count)")
    }
    func field(_ name: String) -> String { columns[name].map { row.fields[$0] } ?? "" }
    guard let bytes = Int(field("stateBytes")), bytes > 0 else {
      throw fault(
        "stateBytes is '\(Escaping.line(field("stateBytes")))'; it must be a whole number of at least 1"
      )
    }
    guard let score = Double(field("score")), (0...1).contains(score) else {
      throw fault("score is '\(Escaping.line(field("score")))'; it must be a number from 0 to 1")
    }
    guard !field("series").isEmpty else { throw fault("series is empty") }
    let task = field("task")
    return PublishedPoint(
      series: field("series"), task: task.isEmpty ? nil : task, stateBytes: bytes, score: score,
      source: field("source"))
  }
}
