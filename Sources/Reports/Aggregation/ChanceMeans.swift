import Configuration
import Records

/// The chance lines of a task, averaged over the seeds of the test data.
///
/// Where a guess has no formula it is measured on each seed's test examples, so that no seed's line
/// is that of the mean over all.
struct ChanceMeans {
  /// One record for each seed, ascending.
  private let records: [CellRecord]

  /// - Parameter records: All records of the task; those of one seed have the same test examples.
  init(_ records: [CellRecord]) {
    var bySeed: [Int: CellRecord] = [:]
    for record in records {
      // One with a test knows the parts too.
      let seed = record.configuration.seed
      if bySeed[seed] == nil || bySeed[seed]?.test.isEmpty == true { bySeed[seed] = record }
    }
    self.records = bySeed.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The mean of what each seed's facts say; nil where none of them says anything.
  func overall(_ chance: (TaskFacts) -> Double?) -> Double? {
    Self.mean(records.compactMap { chance($0.task) })
  }

  /// The line of a test segment; nil where none was tested.
  func segment(_ place: Int) -> Double? {
    Self.mean(records.compactMap { place < $0.test.count ? $0.test[place].chance : nil })
  }

  /// The mean over the seeds whose test has a part, from one tested record of each seed.
  ///
  /// - Parameters:
  ///   - tested: The records.
  ///   - parts: The chances of the parts of a record's test.
  /// - Returns: The mean of every part.
  static func parts<Part: Hashable>(
    of tested: [TestedRecord], _ parts: (TestedRecord) -> [Part: Double]
  ) -> [Part: Double] {
    var bySeed: [Part: [Int: Double]] = [:]
    for record in tested {
      let seed = record.record.configuration.seed
      for (part, chance) in parts(record) where bySeed[part]?[seed] == nil {
        bySeed[part, default: [:]][seed] = chance
      }
    }
    return bySeed.compactMapValues { mean($0.sorted { $0.key < $1.key }.map(\.value)) }
  }

  /// The mean; where all seeds have the same but for rounding, the first one's.
  private static func mean(_ values: [Double]) -> Double? {
    guard let first = values.first, values.contains(where: { abs($0 - first) > 1e-9 }) else {
      return values.first
    }
    return values.reduce(0, +) / Double(values.count)
  }
}
