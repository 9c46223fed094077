import Configuration
import Records

/// All cells of one task setting and one model: their seeds, with every tuned setting.
struct Group {
  let labels: CellLabels
  /// Everything but the seed and what is tuned.
  let settings: Settings
  /// The cells of each tuned setting, the lower settings first, seeds ascending.
  let candidates: [Candidate]

  var records: [CellRecord] { candidates.flatMap(\.records) }
}

/// The seeds of one tuned setting.
struct Candidate {
  /// The tuned settings, in the order of the paths.
  let tuned: [TunedSetting]
  let records: [CellRecord]

  /// The records that are results: a cell that failed says nothing about the model.
  var results: [CellRecord] { records.filter { $0.status != .failed } }

  /// The mean validation score over seeds; nil where no seed has a result.
  ///
  /// A diverged cell counts as a guess, and so does a score that is not a number.
  var validation: Double? {
    let scores = results.map { $0.score($0.validation) }
    return scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
  }
}

/// A setting that was chosen on validation.
public struct TunedSetting: Codable, Sendable, Hashable {
  /// The last component of the path: "learningRate".
  public let name: String
  public let value: String
}

extension TaskFacts {
  /// Whether more is better by the headline metric; so it is by one that is not known here.
  var isHigherBetter: Bool { Metric(rawValue: metric)?.isHigherBetter ?? true }
}

extension CellRecord {
  /// The score by which the task is judged; chance where the cell diverged or has no such score.
  func score(_ scores: Scores?) -> Double { score(scores, chance: task.chance) }

  func score(_ scores: Scores?, chance: Double) -> Double {
    guard status == .finished, let value = scores?.value(task.metric), !value.isNaN else {
      return chance
    }
    return value
  }
}

extension Group {
  /// What records have in common that differ in nothing but the seed.
  private struct Origin: Hashable {
    let labels: CellLabels
    let configuration: CellConfiguration
    let versions: CellVersions
    let metric: String
    let tuned: [String]

    init(_ record: CellRecord) {
      labels = record.labels
      var unseeded = record.configuration
      unseeded.seed = 0
      configuration = unseeded
      versions = record.versions
      metric = record.task.metric
      tuned = record.tuned
    }
  }

  /// The records of an origin, with all their settings.
  private struct Member {
    let settings: Settings
    let tuned: [String]
    var records: [CellRecord] = []
  }

  /// Gathers records into groups, in the order of their first records.
  ///
  /// Settings as texts are costly, so they are made once for all seeds.
  static func gather(_ records: [CellRecord]) -> [Group] {
    struct Key: Hashable {
      let labels: CellLabels
      let settings: Settings
    }
    var places: [Origin: Int] = [:]
    var members: [Member] = []
    var order: [Key] = []
    var groups: [Key: [Int]] = [:]
    for record in records {
      let origin = Origin(record)
      if let place = places[origin] {
        members[place].records.append(record)
        continue
      }
      let settings = Settings(origin.configuration, origin.versions, metric: origin.metric)
      let common = settings.without(origin.tuned.map(SettingPath.init))
      let key = Key(labels: origin.labels, settings: common)
      places[origin] = members.count
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(members.count)
      members.append(Member(settings: settings, tuned: origin.tuned, records: [record]))
    }
    return order.map { key in
      Group(
        labels: key.labels, settings: key.settings,
        candidates: candidates((groups[key] ?? []).map { members[$0] }))
    }
  }

  private static func candidates(_ members: [Member]) -> [Candidate] {
    let paths = Set(members.flatMap(\.tuned)).sorted().map(SettingPath.init)
    var bySetting: [[String]: [CellRecord]] = [:]
    for member in members {
      let values = paths.map { path in
        Set(member.settings.values(at: path)).sorted(by: settingPrecedes).joined(separator: "/")
      }
      bySetting[values, default: []] += member.records
    }
    return bySetting.sorted { settingsPrecede($0.key, $1.key) }.map { values, records in
      Candidate(
        tuned: zip(paths, values).map { TunedSetting(name: lastComponent($0.text), value: $1) },
        records: records.sorted {
          ($0.configuration.seed, $0.key) < ($1.configuration.seed, $1.key)
        })
    }
  }
}

func lastComponent(_ path: String) -> String {
  path.split(separator: ".").last.map(String.init) ?? path
}
