import Platform

/// What was published elsewhere about a store's models: the file `published.csv` in its folder.
///
/// Its first line names the columns, in any order. Points for the plot of score against state have
/// `series`, `stateBytes`, `score`, `source`; scores for a table beside those of the same models have
/// `model`, `scaled`, `source` and, where they are of one band of a slice, `slice`, `from` and `to`.
/// Both may have `task`, where they belong to one of several. The file is no part of what `run` makes;
/// people write it, and `report --published FILE` puts it there.
public struct PublishedResults: Sendable, Hashable {
  public static let fileName = "published.csv"
  private static let mostBytes = 1 << 20

  public internal(set) var points: [PublishedPoint] = []
  public internal(set) var scores: [PublishedScore] = []

  public var isEmpty: Bool { points.isEmpty && scores.isEmpty }

  /// Those of a store; empty where it has no such file.
  ///
  /// - Throws: `ReportError` with the file and line that are not as above.
  public static func read(of folder: String) throws(ReportError) -> Self {
    let path = folder + "/" + fileName
    return Files.exists(path) ? try read(path) : Self()
  }

  /// Puts a file into a store, in place of the one that it had.
  public static func keep(_ path: String, in folder: String) throws(ReportError) {
    do throws(FileError) {
      try AtomicFile.write(try Files.read(path), to: folder + "/" + fileName)
    } catch {
      throw ReportError(description: error.description)
    }
  }

  /// Takes the file of one store, where it has any, into another.
  public static func copy(from store: String, to other: String) throws(ReportError) {
    let path = store + "/" + fileName
    if Files.exists(path) { try keep(path, in: other) }
  }

  /// Those of a file.
  ///
  /// - Throws: `ReportError` with the file and line that are not as above.
  public static func read(_ path: String) throws(ReportError) -> Self {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try Files.read(path, atMost: mostBytes + 1)
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

  static func parse(_ text: String, _ path: String) throws(ReportError) -> Self {
    // Spreadsheets write a mark before UTF-8.
    let mark: Unicode.Scalar = "\u{FEFF}"
    let content =
      text.unicodeScalars.first == mark ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
    let reader = CSVReader(String(content))
    if let line = reader.unclosedLine {
      throw ReportError(description: "\(path):\(line): a quote is not closed")
    }
    let rows = reader.rows
    guard let header = rows.first else {
      let (points, scores) = (PublishedPoint.columns.example, PublishedScore.columns.example)
      throw ReportError(
        description: "\(path): it is empty; its first line must be \(points) or \(scores)")
    }
    let areScores = header.fields.contains("model") || header.fields.contains("scaled")
    let columns = areScores ? PublishedScore.columns : PublishedPoint.columns
    let places = try columns.places(in: header, of: path)
    var results = Self()
    for row in rows.dropFirst() {
      let row = try PublishedRow(row, places, of: path)
      if areScores {
        results.scores.append(try PublishedScore(row))
      } else {
        results.points.append(try PublishedPoint(row))
      }
    }
    return results
  }
}
