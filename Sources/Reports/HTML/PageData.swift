import Configuration
import Records

/// What report.html shows, as its script reads it.
///
/// Tasks, models and series are told by their places in the lists, because two names may look the
/// same once they are made harmless.
struct PageData: Encodable {
  struct Counts: Encodable {
    let diverged: Int
    let failed: Int
    let missing: Int
  }

  /// How a model or series is drawn.
  struct Style: Encodable {
    let name: String
    let hue: Int
    let shape: Int
    let dashed: Bool

    init(_ name: String, _ style: SeriesStyle) {
      self.name = Escaping.line(name)
      hue = style.hue
      shape = style.shape
      dashed = style.isDashed
    }
  }

  struct Task: Encodable {
    struct Reference: Encodable {
      let name: String
      let value: Double
    }

    struct Band: Encodable {
      let slice: String
      let from: Int
      let to: Int
      let chance: Double
    }

    struct Grid: Encodable {
      let rows: String
      let columns: String
      let rowBands: [[Int]]
      let columnBands: [[Int]]
    }

    let name: String
    let metric: String
    let higherIsBetter: Bool
    let chance: Double
    let oracle: Double?
    let baselines: [Reference]
    let trained: [Int]?
    let bands: [Band]
    let segments: [Reference]
    let further: [String]
    let gaps: [String]
    let reaches: [String]
    let grids: [Grid]
    /// The place of the model that the seeds support to be best.
    let best: Int?
  }

  struct Score: Encodable {
    let mean: Double
    let median: Double
    let best: Double
    let lower: Double?
    let upper: Double?
    let values: [Double]
  }

  struct Setting: Encodable {
    let name: String
    let value: String
  }

  /// A task and model with all their seeds.
  struct Row: Encodable {
    let task: Int
    let model: Int
    let series: Int
    let score: Score?
    let scaled: Double?
    let validation: Double?
    let seeds: Int
    let diverged: Int
    let failed: Int
    let external: Bool?
    let chosen: [Setting]
    let candidates: Int
    let parameters: Int?
    let bytes: Int?
    let eigenvalues: String?
    let flopsPerToken: Double?
    let trainingFLOPs: Double?
    let learnability: Learnability?
    /// Mean, lower and upper end of each band; empty where the model has no such band.
    let bands: [[Double]]
    let segments: [[Double]]
    /// Step, score and training loss.
    let curve: [[Double]]
    let further: [[Double]]
    let gaps: [[Double]]
    let reaches: [Int?]
    let grids: [[[Double?]]]
  }

  /// How easily a model learns a task.
  struct Learnability: Encodable {
    /// Learning rate and validation score; empty where a single rate was tried.
    let rates: [[Double]]
    /// The lowest and the highest rate within 0.05 of the best; empty where there is none.
    let window: [Double]
    let decades: Double?
    let isLowerBound: Bool
    let threshold: Double?
    let solved: Int
    let seeds: Int
    let steps: Double?
  }

  /// A series of points published elsewhere.
  struct Published: Encodable {
    struct Point: Encodable {
      /// The place of its task; nil for all tasks.
      let task: Int?
      let bytes: Int
      let score: Double
      let source: String
    }

    let style: Style
    let points: [Point]
  }

  struct Cell: Encodable {
    let key: String
    let task: String
    let model: String
    let settings: [Setting]
    let seed: Int
    let status: String
    let reason: String
  }

  struct Missing: Encodable {
    let task: String
    let model: String
    let cells: Int
  }

  let name: String
  let description: String
  /// What is said above everything where scores were not chosen on validation.
  let warning: String?
  let choice: String
  let counts: Counts
  let models: [Style]
  let series: [Style]
  let tasks: [Task]
  let rows: [Row]
  let published: [Published]
  /// The first of the cells that diverged or failed.
  let unfinished: [Cell]
  /// The first of the rows without all of their cells.
  let gaps: [Missing]
  let gapsInAll: Int
}
