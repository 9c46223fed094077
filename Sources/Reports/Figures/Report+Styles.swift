extension Report {
  /// The styles of all models: where models are sizes of a few series, a series has one colour.
  var styles: [String: SeriesStyle] {
    guard let families else {
      return Dictionary(
        models.enumerated().map { ($1, SeriesStyle(index: $0)) }, uniquingKeysWith: { $1 })
    }
    var styles: [String: SeriesStyle] = [:]
    for (family, members) in families.enumerated() {
      for (member, model) in members.models.enumerated() {
        styles[model] = SeriesStyle(family: family, member: member)
      }
    }
    return styles
  }

  /// All series in the order of their first results, each in the colour of its models.
  var seriesStyles: [(name: String, style: SeriesStyle)] {
    if let families {
      return families.enumerated().map { ($1.name, SeriesStyle(index: $0)) }
    }
    let styles = styles
    return allSeries.map { ($0.name, styles[$0.models[0]] ?? SeriesStyle(index: 0)) }
  }

  /// The series where there are colours for all of them and markers for their models.
  private var families: [(name: String, models: [String])]? {
    let all = allSeries
    let isFew = all.count < models.count && all.count <= Theme.colours
    return isFew && all.allSatisfy { $0.models.count <= Theme.markers } ? all : nil
  }

  private var allSeries: [(name: String, models: [String])] {
    var names: [String] = []
    var members: [String: [String]] = [:]
    var known: Set<String> = []
    for result in tasks.flatMap(\.results) where known.insert(result.model).inserted {
      if members[result.series] == nil { names.append(result.series) }
      members[result.series, default: []].append(result.model)
    }
    return names.map { ($0, members[$0] ?? []) }
  }
}
