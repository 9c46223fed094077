extension Setting {
  /// Other values than the default, found from the declaration and small enough to be tried, so that
  /// a new setting is checked and tested by being declared.
  package var alternatives: [SettingValue] {
    var values: [SettingValue] = []
    switch (kind, defaultValue) {
    case (.flag, .flag(let value)):
      values = [.flag(!value)]
    case (.choice(let names), _):
      values = names.map { .text($0) }
    case (.integer(let bounds), .integer(let value)):
      values = [bounds.lowerBound, value / 2, value + 1, 2 * value, 100]
        .filter { bounds.contains($0) }.map { .integer($0) }
    case (.number(let bounds), .number(let value)):
      values = [bounds.lowerBound, value / 2, 2 * value, bounds.upperBound]
        .filter { bounds.contains($0) && $0.isFinite }.map { .number($0) }
    case (.integers(let bounds), _):
      let low = bounds.lowerBound
      values = [.integer(low), .range(low...min(low + 7, bounds.upperBound)), .integer(100)]
    default: break
    }
    var seen: Set<SettingValue> = [defaultValue]
    return values.filter { kind.normalised($0) != nil && seen.insert($0).inserted }
  }
}
