import ArgumentParser
import Platform
import Records
import Reports

/// Makes every table and plot of a store again.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write the tables and plots of a store again.",
    discussion: """
      Reads the records alone: the same records give the same bytes. Writes summary.csv, \
      report.json, report.md and the plots into the store.

      EXAMPLES:
        hysteresis report results/quick
        hysteresis report results/quick --compact results/published/quick
      """)

  @Argument(help: "The store's folder.", completion: .directory)
  var store: String
  @Option(help: "Write the report there instead, with the records in compact form.")
  var compact: String?

  func run() throws {
    guard Files.isFolder(store) else {
      throw CommandFailure("\(store): there is no such folder", status: ExitStatus.noInput)
    }
    let source = RunStore(store)
    let target = compact ?? store
    if let compact { try ReportFiles.copy(source, to: compact) }
    let report = try ReportFiles.write(of: source, to: target)
    let terminal = Terminal(.output)
    Console.output(report.terminalTable(width: terminal.width, colour: terminal.usesColour))
  }
}

/// Reading a store and writing its report.
enum ReportFiles {
  /// Makes the report of a store and writes it into a folder.
  static func write(of store: RunStore, to folder: String) throws -> Report {
    let report = try make(of: store)
    do {
      try report.write(to: folder)
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.cannotCreate)
    }
    return report
  }

  static func make(of store: RunStore) throws -> Report {
    do {
      let contents = try store.readAll()
      for problem in contents.problems { Console.error(problem.description) }
      guard !contents.records.isEmpty else {
        throw CommandFailure(
          "\(store.folder): there are no records", status: ExitStatus.noInput)
      }
      return Report.make(
        records: contents.records, timings: contents.timings, grid: try store.readGrid())
    } catch let error as StoreError {
      throw CommandFailure(error.description, status: ExitStatus.data)
    }
  }

  /// Writes the records and the plan of a store into another folder, in compact form.
  static func copy(_ store: RunStore, to folder: String) throws {
    do {
      try Files.makeFolder(folder)
      try store.exportCompact(to: folder)
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.cannotCreate)
    }
  }
}
