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
      report.json, report.md, report.tex, report.html (tables to sort and plots with values, in \
      one file that needs no network) and the plots into the store, timings.csv from the times, \
      which differ between runs, and curves.csv with a row for each validation; then prints the \
      table.

      What was published elsewhere is shown beside the results, and kept in the store as \
      published.csv: points in the plot of score against state, where its first line is \
      series,stateBytes,score,source, or scores from chance (0) to perfect (1) in a table, where \
      it is model,scaled,source (and slice,from,to for those of one band); with task where they \
      belong to one of several.

      With '--selection test-best' every row has the learning rate (and whatever else is tuned) \
      that is best on the test set, of one seed. Such scores are too good; the mode is for \
      comparing with papers that chose in this way, every table and plot of scores says so, and \
      they are written into the folder test-best of the store.

      EXAMPLES:
        hysteresis report results/quick
        hysteresis report results/quick --format latex --print-only > tables.tex
        hysteresis report results/quick --selection test-best
        hysteresis report results/mqar-based \\
          --published tasks/mqar-based.published.csv
        hysteresis report results/quick --compact results/published/quick
      """)

  @Argument(help: "The store's folder.", completion: .directory)
  var store: String
  @Option(help: "Write the report there instead, with the records in compact form.")
  var compact: String?
  @Option(help: "How to print: text, json, csv, markdown or latex.")
  var format: TableFormat = .text
  @Option(help: "How the setting of each row is chosen: validation or test-best.")
  var selection = Choice(Selection.validation)
  @Option(
    help: "What was published elsewhere (CSV), to keep in the store and show beside the results.",
    completion: .file(extensions: ["csv"]))
  var published: String?
  @Flag(help: "Print, and write no file.")
  var printOnly = false

  func validate() throws {
    if let compact, compact.isEmpty { throw ValidationError("--compact is empty.") }
    if compact != nil, selection.value != .validation {
      throw ValidationError(
        "--compact is for results that can be committed; --selection test-best is not.")
    }
    if published != nil, printOnly {
      throw ValidationError("--published keeps a file in the store; --print-only writes none.")
    }
    if compact != nil, printOnly {
      throw ValidationError("--compact writes files; --print-only does not.")
    }
  }

  func run() throws {
    guard Files.isFolder(store) else {
      throw CommandFailure("\(store): there is no such folder", status: ExitStatus.noInput)
    }
    let source = RunStore(store)
    if let published { try ReportFiles.keepPublished(published, in: store) }
    if let compact { try ReportFiles.copy(source, to: compact) }
    let (report, curves) = try ReportFiles.make(of: source, selection.value)
    if !printOnly {
      try ReportFiles.write(report, curves: compact == nil ? curves() : nil, to: target)
    }
    print(report)
  }

  private var target: String {
    selection.value == .validation ? compact ?? store : "\(store)/\(selection.value.rawValue)"
  }

  private func print(_ report: Report) {
    switch format {
    case .text:
      let terminal = Terminal(.output)
      Console.output(report.terminalTable(width: terminal.width, colour: terminal.usesColour))
    case .json: Console.json(report)
    case .csv: Console.document(report.csv())
    case .markdown: Console.document(report.markdown())
    case .latex: Console.document(report.latex())
    }
  }
}

/// Reading a store and writing its report.
enum ReportFiles {
  /// Makes the report of a store and writes it into a folder.
  static func write(of store: RunStore, to folder: String) throws -> Report {
    let (report, curves) = try make(of: store)
    try write(report, curves: folder == store.folder ? curves() : nil, to: folder)
    return report
  }

  /// Writes a report into a folder.
  ///
  /// - Parameters:
  ///   - report: The report.
  ///   - curves: The learning curves, with which come the times; nil for a result that will be
  ///     committed, which has neither.
  ///   - folder: Where to.
  /// - Throws: `CommandFailure` where a file cannot be written.
  static func write(_ report: Report, curves: String?, to folder: String) throws {
    do {
      try report.write(to: folder, timings: curves != nil)
      if let curves { try AtomicFile.write(Array(curves.utf8), to: folder + "/curves.csv") }
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.cannotCreate)
    }
  }

  /// Reads a store for a comparison.
  static func compared(_ folder: String, named name: String) throws -> ComparedStore {
    guard Files.isFolder(folder) else {
      throw CommandFailure("\(folder): there is no such folder", status: ExitStatus.noInput)
    }
    let store = RunStore(folder)
    let contents = try contents(of: store)
    do {
      return ComparedStore(
        name: name, records: contents.records, timings: contents.timings,
        grid: try store.readGrid())
    } catch {
      throw CommandFailure(error.description, status: ExitStatus.data)
    }
  }

  /// Makes the report of a store, and what makes its learning curves.
  static func make(
    of store: RunStore, _ selection: Selection = .validation
  ) throws -> (report: Report, curves: () -> String) {
    let contents = try contents(of: store)
    do {
      let grid = try store.readGrid()
      var report = Report.make(
        records: contents.records, timings: contents.timings, grid: grid, selection: selection)
      for name in report.add(try PublishedResults.read(of: store.folder)) {
        Console.error(
          "\(store.folder)/\(PublishedResults.fileName): '\(name)' is no model here")
      }
      return (report, { Report.curvesCSV(records: contents.records, grid: grid) })
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.data)
    }
  }

  /// All that can be read; what cannot gets a line of its own.
  private static func contents(of store: RunStore) throws -> RunStore.Contents {
    do {
      let contents = try store.readAll()
      for problem in contents.problems { Console.error(problem.description) }
      guard !contents.records.isEmpty else {
        throw CommandFailure(
          "\(store.folder): there are no records", status: ExitStatus.noInput)
      }
      return contents
    } catch let error as StoreError {
      throw CommandFailure(error.description, status: ExitStatus.data)
    }
  }

  /// Checks a file of published results and keeps it in a store.
  static func keepPublished(_ path: String, in folder: String) throws {
    guard Files.exists(path) else {
      throw CommandFailure("\(path): there is no such file", status: ExitStatus.noInput)
    }
    do {
      _ = try PublishedResults.read(path)
    } catch {
      throw CommandFailure(error.description, status: ExitStatus.data)
    }
    do {
      try PublishedResults.keep(path, in: folder)
    } catch {
      throw CommandFailure(error.description, status: ExitStatus.cannotCreate)
    }
  }

  /// Writes the records and the plan of a store into another folder, in compact form.
  static func copy(_ store: RunStore, to folder: String) throws {
    do {
      try Files.makeFolder(folder)
      try store.exportCompact(to: folder)
      if store.folder != folder { try PublishedResults.copy(from: store.folder, to: folder) }
    } catch {
      throw CommandFailure("\(error)", status: ExitStatus.cannotCreate)
    }
  }
}
