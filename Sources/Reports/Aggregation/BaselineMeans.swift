import Configuration
import Records

/// The baselines of a task, averaged over the seeds of the test data.
struct BaselineMeans {
  /// One record for each seed, ascending.
  private let records: [CellRecord]

  /// - Parameter records: All records of the task; those of one seed have the same baselines.
  init(_ records: [CellRecord]) {
    var bySeed: [Int: CellRecord] = [:]
    for record in records where !record.task.baselines.isEmpty {
      // One with a test has the baselines by segment too.
      let seed = record.configuration.seed
      if bySeed[seed] == nil || bySeed[seed]?.test.isEmpty == true { bySeed[seed] = record }
    }
    self.records = bySeed.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The baselines' scores on the whole test.
  func overall(_ reference: TaskFacts) -> [TaskFacts.Baseline] {
    guard let first = records.first else { return reference.baselines }
    return first.task.baselines.map { baseline in
      let seeds = records.compactMap { record in
        record.task.baselines.first { $0.name == baseline.name }
      }
      return TaskFacts.Baseline(
        name: baseline.name, value: seeds.reduce(0) { $0 + $1.value } / Double(seeds.count),
        scores: Scores.mean(seeds.compactMap(\.scores)))
    }
  }

  /// The baselines' scores over the seeds; nil where no record has a baseline.
  var statistics: [Statistic?]? {
    guard let first = records.first else { return nil }
    return first.task.baselines.map { baseline in
      Statistic(
        records.compactMap { record in
          record.task.baselines.first { $0.name == baseline.name }?.value
        }, isHigherBetter: first.task.isHigherBetter)
    }
  }

  /// The baselines' scores in the parts of the test; nil where none was measured.
  func parts(segments: Int, bands: [BandChance]) -> [BaselineParts]? {
    let tested = records.filter { $0.test.contains { $0.baselines != nil } }
    guard let first = tested.first else { return nil }
    return first.task.baselines.map { baseline in
      let byBand = tested.map { ($0.task.metric, $0.bands(ofBaseline: baseline.name)) }
      return BaselineParts(
        name: baseline.name,
        segments: (0..<segments).map { segment in
          Self.mean(
            tested.compactMap { record in
              guard segment < record.test.count else { return nil }
              return record.test[segment].baselines?.first { $0.name == baseline.name }?
                .scores.value(record.task.metric)
            })
        },
        bands: bands.map { band in
          let key = Band(slice: band.slice, span: band.band)
          return Self.mean(byBand.compactMap { metric, scores in scores[key]?.value(metric) })
        })
    }
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
