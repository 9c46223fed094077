import Tensors

/// How a scan's state lies in the registers of a block: each warp has all rows of a strip of
/// columns.
struct ScanLayout {
  /// Lanes that share a column's rows; the others of a warp hold further columns.
  let lanes: Int
  /// Rows and columns of a thread.
  let rows: Int
  let columns: Int
  let warps: Int

  /// - Parameters:
  ///   - shape: The scan.
  ///   - wanted: The rows a thread should have: many make sums over rows cheap, few make sums over
  ///     columns cheap.
  ///   - most: The most columns of a thread.
  ///   - mostWarps: The most warps.
  init(_ shape: ScanShape, rows wanted: Int, columns most: Int, warps mostWarps: Int) {
    lanes = min(32, powerOfTwo(from: ceiling(shape.keyDim, wanted)))
    rows = 4 * ceiling(shape.keyDim, 4 * lanes)
    var columns = min(most, powerOfTwo(from: ceiling(shape.valueDim, 32 / lanes)))
    while columns > 1 && rows * columns > 64 { columns /= 2 }
    self.columns = columns
    warps = min(mostWarps, ceiling(shape.valueDim, 32 / lanes * columns))
  }

  var threads: Int { warps * 32 }
  /// The state's rows and the tile's columns, filled up.
  var rowsPadded: Int { lanes * rows }
  var columnsPadded: Int { 32 / lanes * columns * warps }

  func tiles(_ shape: ScanShape) -> Int { ceiling(shape.valueDim, columnsPadded) }
}

/// The layouts and programs of one scan; `scan.cu` says what the constants mean.
struct ScanPlan {
  enum Pass: Int { case forward, backward }

  let shape: ScanShape
  let forward: ScanLayout
  let backward: ScanLayout
  /// Tokens between two kept states.
  let tokens: Int
  /// Tokens whose states the backward pass has at once.
  private static let segment = 4

  /// Shared memory of a block, in floats, with which it is as fast as with more.
  private static let mostFloats = 160 << 8

  /// - Parameters:
  ///   - shape: The scan.
  ///   - sharedBytes: What a block may share.
  init(_ shape: ScanShape, sharedBytes: Int) {
    self.shape = shape
    let most = min(Self.mostFloats, sharedBytes / 4)
    forward = ScanLayout(shape, rows: 16, columns: 2, warps: 4)
    var candidates = [8, 4].flatMap { tokens in [4, 2, 1].map { (tokens, $0) } }[...]
    while let (tokens, warps) = candidates.popFirst() {
      let layout = ScanLayout(shape, rows: 8, columns: 4, warps: warps)
      let fits =
        Self.backwardFloats(shape, layout, tokens) <= most
        && Self.forwardFloats(shape, forward, tokens) <= sharedBytes / 4
      guard fits || candidates.isEmpty else { continue }
      (self.tokens, backward) = (tokens, layout)
      return
    }
    preconditionFailure("there are candidates")
  }

  var chunks: Int { ceiling(shape.length, tokens) }

  func program(_ pass: Pass, aligned: Bool) -> KernelProgram {
    let layout = pass == .forward ? forward : backward
    let isWide =
      aligned && [shape.keyDim, shape.valueDim, layout.columnsPadded].allSatisfy { $0 % 4 == 0 }
    return KernelProgram(
      pass == .forward ? "scan_forward" : "scan_backward",
      [
        "KEY_DIM": shape.keyDim, "VALUE_DIM": shape.valueDim, "DECAY": Int(shape.decay.rawValue),
        "UPDATE": Int(shape.update.rawValue), "EXCLUSIVE": shape.exclusive ? 1 : 0,
        "LANES_K": layout.lanes, "ROWS": layout.rows, "COLUMNS": layout.columns,
        "WARPS": layout.warps, "TOKENS": tokens, "SEGMENT": Self.segment, "WIDE": isWide ? 1 : 0,
        "BACKWARD": pass.rawValue,
      ])
  }

  /// Dynamic shared memory of the passes.
  var forwardFloats: Int { Self.forwardFloats(shape, forward, tokens) }
  var backwardFloats: Int { Self.backwardFloats(shape, backward, tokens) }

  /// The rows of a chunk's tokens.
  private static func chunkFloats(
    _ shape: ScanShape, _ layout: ScanLayout, _ tokens: Int, valueRows: Int
  ) -> Int {
    tokens
      * (shape.keyVectors * layout.rowsPadded + valueRows * layout.columnsPadded + 2)
  }

  /// The rows of a chunk and of the one after it.
  private static func forwardFloats(
    _ shape: ScanShape, _ layout: ScanLayout, _ tokens: Int
  ) -> Int {
    2 * chunkFloats(shape, layout, tokens, valueRows: 1)
  }

  /// The chunk's rows, sums over columns, sums for the bonus, and states.
  private static func backwardFloats(
    _ shape: ScanShape, _ layout: ScanLayout, _ tokens: Int
  ) -> Int {
    let valueRows = shape.update == .add ? 2 : 3
    let chunk = chunkFloats(shape, layout, tokens, valueRows: valueRows)
    let sums = tokens * layout.warps * (shape.keyVectors * layout.rowsPadded + 3)
    let bonus = shape.exclusive ? layout.rowsPadded : 0
    return chunk + sums + bonus + segment * layout.rowsPadded * layout.columnsPadded
  }
}

extension ScanShape {
  /// Rows of `keyDim` floats that a token has: q, k, and what the options add.
  fileprivate var keyVectors: Int {
    2 + (decay == .vector ? 1 : 0) + (update == .rankOne ? 2 : 0)
  }
}

/// The quotient, rounded up.
func ceiling(_ x: Int, _ step: Int) -> Int { (x + step - 1) / step }

/// The least power of two that is not below x.
func powerOfTwo(from x: Int) -> Int {
  var power = 1
  while power < x { power *= 2 }
  return power
}
