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
      }
    }
    return report
  }

  /// Writes every table and figure: `summary.csv`, `report.json`, `report.md` and the plots.
  ///
  /// Equal reports give equal bytes. A plot of an earlier report that this one has not is removed.
  ///
  /// - Parameters:
  ///   - folder: Where to; it is made where it does not exist.
  ///   - timings: Whether `summary.csv` has the throughput, which differs between runs.
  /// - Throws: `ReportError` where a file cannot be written.
  public func write(to folder: String, timings: Bool = false) throws(ReportError) {
    let figures = figures()
    var files = figures.map { ($0.file, Array($0.svg.utf8)) }
    files.append(("summary.csv", Array(csv(timings: timings).utf8)))
    files.append(("report.json", json()))
    files.append(("report.md", Array(markdown(figures: figures).utf8)))
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
