import Configuration
public import Records

/// A store that takes part in a comparison.
public struct ComparedStore: Sendable {
  public let name: String
  let records: [CellRecord]
  let timings: [String: CellTiming]
  let grid: GridManifest?

  /// A store with the cells of its present plan.
  public init(
    name: String, records: [CellRecord], timings: [String: CellTiming] = [:],
    grid: GridManifest? = nil
  ) {
    self.name = name
    self.records = Report.current(records, grid).sorted { $0.key < $1.key }
    self.timings = timings
    self.grid = grid
  }

  /// Whether all stores have the tasks and models of one grid, so that they are best compared with
  /// each other.
  public static func holdOneGrid(_ stores: [ComparedStore]) -> Bool {
    let labels = stores.map { Set($0.records.map(\.labels)) }
    guard let first = labels.first, stores.count > 1 else { return false }
    return labels.allSatisfy { $0 == first }
  }

  /// Names for folders: the last component of each path, or the paths where those are not unique.
  public static func names(_ folders: [String]) -> [String] {
    let short = folders.map { folder in
      folder.split(separator: "/").last.map(String.init) ?? folder
    }
    return Set(short).count == short.count ? short : folders
  }
}

/// The cells of several stores, each once.
struct PooledRecords {
  private(set) var records: [CellRecord] = []
  private(set) var timings: [String: CellTiming] = [:]
  private(set) var duplicates = 0
  private(set) var conflicts: [Comparison.Conflict] = []
  /// The name of the store that each cell comes from.
  private(set) var origins: [String: String] = [:]
  let order: LabelOrder

  init(_ stores: [ComparedStore]) {
    order = LabelOrder(stores.flatMap { $0.grid?.cells ?? [] })
    var places: [String: Int] = [:]
    for store in stores {
      for record in store.records {
        if let place = places[record.key] {
          note(records[place], again: record, in: store)
          continue
        }
        places[record.key] = records.count
        origins[record.key] = store.name
        records.append(record)
        timings[record.key] = store.timings[record.key]
      }
    }
    records.sort { $0.key < $1.key }
  }

  private mutating func note(
    _ known: CellRecord, again record: CellRecord, in store: ComparedStore
  ) {
    // Each store has its own names for a cell.
    var renamed = record
    (renamed.labels, renamed.tuned) = (known.labels, known.tuned)
    // A score that is not a number equals nothing, not even itself, but its text does.
    if known == renamed || RecordCoding.compact(known) == RecordCoding.compact(renamed) {
      duplicates += 1
      return
    }
    conflicts.append(
      Comparison.Conflict(
        key: record.key, task: record.labels.task, model: record.labels.model,
        used: origins[record.key] ?? "", other: store.name))
  }
}
