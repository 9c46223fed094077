extension TaskReport {
  /// The scaled score of each model that something was published of, ours and in brackets the
  /// published one, of all test examples and of each band.
  var publishedTable: TextTable? {
    guard let published else { return nil }
    let places = bands.indices.filter { place in
      published.contains { $0.isOf(bands[place]) }
    }
    let showsSlice = Set(places.map { bands[$0].slice }).count > 1
    var table = TextTable(
      [.init("model", .left), .init("scaled (published)")]
        + places.map { place in
          let band = bands[place]
          return .init(showsSlice ? "\(band.slice) \(band.band.text)" : band.band.text)
        })
    for result in results {
      let theirs = published.filter { $0.model == result.model }
      guard !theirs.isEmpty else { continue }
      let whole = theirs.first { $0.slice == nil }
      table.add(
        [.init(result.model), Self.pair(result.scaled, whole)]
          + places.map { place in
            let band = bands[place]
            let ours = result.bands[place].flatMap {
              scaledScore($0.mean, chance: band.chance, metric)
            }
            return Self.pair(ours, theirs.first { $0.isOf(band) })
          })
    }
    return table
  }

  private static func pair(_ ours: Double?, _ theirs: PublishedScore?) -> TextTable.Cell {
    let text = NumberText.score(ours)
    return .init(theirs.map { "\(text) (\(NumberText.score($0.scaled)))" } ?? text)
  }
}

extension PublishedScore {
  fileprivate func isOf(_ band: BandChance) -> Bool {
    slice == band.slice && self.band == band.band
  }
}
