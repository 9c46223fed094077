import Configuration
import Records

/// The columns and tables that a task asks for beside those of each slice.
struct BreakdownPlan {
  private struct Gap {
    let name: String
    /// The bands whose scores are subtracted, and their chance lines.
    let of: BandChance
    let less: BandChance
  }

  private struct Reach {
    let name: String
    let share: Double
    /// The places of the slice's bands among all bands, ascending.
    let places: [Int]
    let bands: [Span]
  }

  private struct Grid {
    let axes: GridAxes
    /// What a guess scores in each cell of the table, over the seeds.
    let chances: [GridPlace: Double]

    init(_ axes: GridAxes, _ tested: [TestedRecord]) {
      self.axes = axes
      chances = ChanceMeans.parts(of: tested) { $0.record.cells(axes).mapValues(\.chance) }
    }
  }

  private let gapPlans: [Gap]
  private let reachPlans: [Reach]
  private let gridPlans: [Grid]

  /// Plans what the results have something to show of.
  ///
  /// - Parameters:
  ///   - breakdowns: What the task asks for.
  ///   - tested: The records.
  ///   - bands: All bands of the task.
  init(_ breakdowns: [Breakdown], _ tested: [TestedRecord], bands: [BandChance]) {
    var gaps: [Gap] = []
    var reaches: [Reach] = []
    var grids: [Grid] = []
    for breakdown in breakdowns {
      switch breakdown {
      case .gap(let name, let slice, let of, let less):
        func band(_ value: Int) -> BandChance? {
          bands.first { $0.slice == slice && $0.band == Span(from: value, to: value) }
        }
        guard let of = band(of), let less = band(less) else { continue }
        gaps.append(Gap(name: name, of: of, less: less))
      case .reach(let name, let slice, let share):
        let places = bands.indices.filter { bands[$0].slice == slice }
        guard !places.isEmpty else { continue }
        reaches.append(
          Reach(name: name, share: share, places: places, bands: places.map { bands[$0].band }))
      case .grid(let rows, let columns):
        if let axes = GridAxes(rows, columns, tested) { grids.append(Grid(axes, tested)) }
      }
    }
    gapPlans = gaps
    reachPlans = reaches
    gridPlans = grids
  }

  var gapNames: [String]? { gapPlans.isEmpty ? nil : gapPlans.map(\.name) }
  var reachNames: [String]? { reachPlans.isEmpty ? nil : reachPlans.map(\.name) }
  var grids: [GridAxes]? { gridPlans.isEmpty ? nil : gridPlans.map(\.axes) }

  /// Each gap over seeds: of every seed the difference of its own scores.
  func gaps(_ results: [TestedRecord]) -> [Statistic?]? {
    if gapPlans.isEmpty { return nil }
    return gapPlans.map { gap in
      let hasScores = results.contains { $0.record.status == .finished }
      guard hasScores else { return nil }
      return Statistic(
        results.map { $0.score(in: gap.of) - $0.score(in: gap.less) })
    }
  }

  /// How far each score is reached by the mean over seeds.
  func reaches(_ scores: [Statistic?], isHigherBetter: Bool) -> [Int?]? {
    if reachPlans.isEmpty { return nil }
    return reachPlans.map { reach in
      let reached = zip(reach.places, reach.bands).prefix { place, _ in
        guard let mean = scores[place]?.mean else { return false }
        return (isHigherBetter ? mean : 1 - mean) >= reach.share
      }
      return Array(reached).last?.1.to
    }
  }

  /// The mean over seeds of each cell of each grid; a diverged seed counts as a guess.
  func means(_ results: [TestedRecord]) -> [[[Double?]]]? {
    if gridPlans.isEmpty { return nil }
    return gridPlans.map { grid in
      let cells = results.map { $0.record.cells(grid.axes) }
      return grid.axes.rowBands.map { row in
        grid.axes.columnBands.map { column in
          let place = GridPlace(row: row, column: column)
          guard let chance = grid.chances[place] else { return nil }
          let scores = zip(results, cells).compactMap { result, cells in
            cells[place] == nil && result.record.status == .finished
              ? nil : result.record.score(cells[place]?.scores, chance: chance)
          }
          return scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
        }
      }
    }
  }
}

extension TestedRecord {
  /// The score in a band; its chance where the cell has none.
  fileprivate func score(in band: BandChance) -> Double {
    record.score(bands[Band(slice: band.slice, span: band.band)]?.scores, chance: band.chance)
  }
}

/// A row and a column of a table of two slices.
private struct GridPlace: Hashable {
  let row: Span
  let column: Span
}

extension CellRecord {
  /// The scores and the chance of a grid's cells, all segments together.
  fileprivate func cells(_ axes: GridAxes) -> [GridPlace: (scores: Scores, chance: Double)] {
    var parts: [GridPlace: [(scores: Scores, chance: Double)]] = [:]
    for segment in test {
      for grid in segment.grids ?? [] where grid.rows == axes.rows && grid.columns == axes.columns {
        for cell in grid.cells {
          let place = GridPlace(row: Span(cell.row), column: Span(cell.column))
          parts[place, default: []].append((cell.scores, segment.chance))
        }
      }
    }
    return parts.mapValues(combined)
  }
}

extension GridAxes {
  /// The bands of two slices that occur together; nil where there are none.
  fileprivate init?(_ rows: String, _ columns: String, _ tested: [TestedRecord]) {
    var rowBands: Set<Span> = []
    var columnBands: Set<Span> = []
    for segment in tested.flatMap(\.record.test) {
      for grid in segment.grids ?? [] where grid.rows == rows && grid.columns == columns {
        rowBands.formUnion(grid.cells.map { Span($0.row) })
        columnBands.formUnion(grid.cells.map { Span($0.column) })
      }
    }
    guard !rowBands.isEmpty else { return nil }
    self.rows = rows
    self.columns = columns
    self.rowBands = rowBands.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    self.columnBands = columnBands.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }
}

extension Span {
  init(_ range: ClosedRange<Int>) { self.init(from: range.lowerBound, to: range.upperBound) }
}
