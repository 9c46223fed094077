/// The columns of one kind of published results.
struct PublishedColumns {
  let required: [String]
  let others: [String]

  /// A first line.
  var example: String { required.joined(separator: ",") }

  /// Where each column stands in the first line.
  func places(in header: CSVReader.Row, of path: String) throws(ReportError) -> [String: Int] {
    var places: [String: Int] = [:]
    for (index, name) in header.fields.enumerated() {
      guard (required + others).contains(name), places[name] == nil else {
        throw ReportError(
          description: "\(path):\(header.line): '\(Escaping.line(name))' is no column or one given "
            + "twice; the columns are \(required.joined(separator: ", ")) and, if need be, "
            + others.joined(separator: ", "))
      }
      places[name] = index
    }
    if let missing = required.first(where: { places[$0] == nil }) {
      throw ReportError(description: "\(path):\(header.line): the column '\(missing)' is missing")
    }
    return places
  }
}

/// A line of published results.
struct PublishedRow {
  private let row: CSVReader.Row
  private let places: [String: Int]
  private let path: String

  init(
    _ row: CSVReader.Row, _ places: [String: Int], of path: String
  ) throws(ReportError) {
    (self.row, self.places, self.path) = (row, places, path)
    guard row.fields.count == places.count else {
      throw fault("it has \(row.fields.count) fields; the first line has \(places.count)")
    }
  }

  /// What stands in a column; empty where there is no such column.
  subscript(name: String) -> String { places[name].map { row.fields[$0] } ?? "" }

  func optional(_ name: String) -> String? { self[name].isEmpty ? nil : self[name] }

  func text(_ name: String) throws(ReportError) -> String {
    guard let text = optional(name) else { throw fault("\(name) is empty") }
    return text
  }

  /// What is wrong in a column.
  func fault(_ name: String, _ wanted: String) -> ReportError {
    fault("\(name) is '\(Escaping.line(self[name]))'; it must be \(wanted)")
  }

  private func fault(_ text: String) -> ReportError {
    ReportError(description: "\(path):\(row.line): \(text)")
  }
}
