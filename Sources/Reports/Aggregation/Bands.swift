import Configuration
import Records

/// A band of a slice.
struct Band: Hashable {
  let slice: String
  let span: Span

  static func precedes(_ first: Band, _ second: Band) -> Bool {
    (first.slice, first.span.from, first.span.to) < (second.slice, second.span.from, second.span.to)
  }
}

extension CellRecord {
  /// The test scores and the chance of each band, all segments together.
  ///
  /// A whole-number setting that differs between segments, such as the length, is a slice too.
  var bands: [Band: (scores: Scores, chance: Double)] {
    bands { segment in (segment.scores, segment.slices) }
  }

  /// The test scores of a baseline in each band, all segments together.
  func bands(ofBaseline name: String) -> [Band: Scores] {
    let parts = bands { segment in
      segment.baselines?.first { $0.name == name }.map { ($0.scores, $0.slices) }
    }
    return parts.mapValues(\.scores)
  }

  private func bands(
    _ results: (SegmentResult) -> (scores: Scores, slices: [SliceResult])?
  ) -> [Band: (scores: Scores, chance: Double)] {
    var parts: [Band: [(scores: Scores, chance: Double)]] = [:]
    let varied = SegmentResult.variedSettings(test.map(\.settings))
    for segment in test {
      guard let (scores, slices) = results(segment) else { continue }
      for slice in slices + segment.implied(by: varied, beside: slices, scores: scores) {
        let band = Band(slice: slice.name, span: Span(from: slice.from, to: slice.to))
        parts[band, default: []].append((slice.scores, segment.chance))
      }
    }
    return parts.mapValues(combined)
  }

  /// The scores of some parts of the test together, and their chance, weighted by positions.
  func combined(
    _ parts: [(scores: Scores, chance: Double)]
  ) -> (scores: Scores, chance: Double) {
    let tokens = parts.reduce(0) { $0 + $1.scores.tokens }
    let chance = parts.reduce(0) { $0 + $1.chance * Double($1.scores.tokens) }
    return (
      Scores.combined(parts.map(\.scores)), tokens > 0 ? chance / Double(tokens) : task.chance
    )
  }
}

extension SegmentResult {
  /// The names of the settings in which segments differ, in ascending order.
  static func variedSettings(_ settings: [[String: SettingValue]]) -> [String] {
    guard let first = settings.first else { return [] }
    let names = settings.reduce(into: Set<String>()) { $0.formUnion($1.keys) }
    return names.filter { name in settings.contains { $0[name] != first[name] } }.sorted()
  }

  /// The slices that whole-number settings make of the segment, where it has none of the name.
  fileprivate func implied(
    by settings: [String], beside slices: [SliceResult], scores: Scores
  ) -> [SliceResult] {
    settings.compactMap { name in
      guard case .integer(let value) = self.settings[name],
        !slices.contains(where: { $0.name == name })
      else { return nil }
      return SliceResult(name: name, from: value, to: value, scores: scores)
    }
  }
}

extension SettingValue {
  /// The value for people, ranges as "3–40".
  var label: String {
    if case .range(let range) = self { return "\(range.lowerBound)–\(range.upperBound)" }
    return description
  }
}

extension TaskConfiguration {
  /// The lengths seen in training, where the task has a setting of that name.
  var trainingLengths: Span? {
    var ends: [Int] = []
    for segment in train {
      switch segment.settings["length"] {
      case .integer(let length): ends.append(length)
      case .range(let range): ends += [range.lowerBound, range.upperBound]
      default: return nil
      }
    }
    guard let from = ends.min(), let to = ends.max() else { return nil }
    return Span(from: from, to: to)
  }
}
