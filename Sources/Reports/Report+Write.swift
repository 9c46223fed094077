import Platform
import Records

/// Why a report could not be written.
public struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
}

extension Report {
  /// The report as JSON, without times.
  public func json() -> [UInt8] { RecordCoding.pretty(withoutTimes) }

  private var withoutTimes: Report {
    var report = self
    for task in tasks.indices {
      for result in tasks[task].results.indices {
        report.tasks[task].results[result].tokensPerSecond = nil
        report.tasks[task].results[result].wallSeconds = nil
      }
    }
    return report
  }

  /// Writes every table and figure: `summary.csv`, `report.json`, `report.md`, `report.tex`,
  /// `report.html` and the plots.
  ///
  /// Equal reports give equal bytes. A plot of an earlier report that this one has not is removed.
  ///
  /// - Parameters:
  ///   - folder: Where to; it is made where it does not exist.
  ///   - timings: Whether to write `timings.csv`, which differs between runs, where there are times.
  /// - Throws: `ReportError` where a file cannot be written.
  public func write(to folder: String, timings: Bool = false) throws(ReportError) {
    let figures = figures()
    var files = figures.map { ($0.file, Array(selection.labelled($0.svg).utf8)) }
    files.append(("summary.csv", Array(csv().utf8)))
    files.append(("report.json", json()))
    files.append(("report.tex", Array(latex().utf8)))
    files.append(("report.md", Array(markdown(figures: figures).utf8)))
    files.append(("report.html", Array(html().utf8)))
    if timings, let times = timingsCSV() { files.append(("timings.csv", Array(times.utf8))) }
    do throws(FileError) {
      try Files.makeFolder(folder)
      for (name, bytes) in files { try AtomicFile.write(bytes, to: folder + "/" + name) }
      for name in Self.figureFiles where !figures.contains(where: { $0.file == name }) {
        try Files.remove(folder + "/" + name)
      }
    } catch {
      throw ReportError(description: error.description)
    }
  }
}

extension Selection {
  /// A plot that says how its settings were chosen, where that was not on validation.
  func labelled(_ svg: String) -> String {
    guard warning != nil, let end = svg.ranges(of: "</svg>").last else { return svg }
    let label = """
      <text x="100%" y="100%" dx="-6" dy="-4" text-anchor="end" font-family="sans-serif" \
      font-size="10" fill="#c00">\(rawValue): selected on the test set, one seed</text>

      """
    return svg[..<end.lowerBound] + label + svg[end.lowerBound...]
  }
}
