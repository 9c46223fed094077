import Tensors

/// One of several maps: its weight and output, or their gradients.
struct LinearMap {
  var weight: Tensor
  var output: Tensor
  /// Whether the weight's gradient is added to.
  var accumulate = false

  var inputs: Int { weight.shape[0] }
  var columns: Int { weight.shape[1] }
  var rows: Int { columns > 0 ? output.count / columns : 0 }

  fileprivate var isNarrow: Bool { columns <= JointMaps.narrowColumns }
  /// Whether the kernels take its gradients, by themselves or as a narrow map's.
  fileprivate var fits: Bool {
    rows > 0 && (1...256).contains(inputs) && inputs % 4 == 0 && columns <= 256
      && (isNarrow || movesByFours)
  }
  /// Whether its rows can be read 16 bytes at a time.
  fileprivate var movesByFours: Bool {
    columns % 4 == 0 && weight.isAligned && output.isAligned
  }
}

/// Maps that a launch of `linears.cu` takes at once: wide ones, which move by 16 bytes, and narrow ones,
/// of a few columns together, which cost it next to nothing.
struct JointMaps {
  static let most = 6
  /// Of all narrow maps of a launch.
  static let narrowColumns = 16

  private(set) var wide: [LinearMap]
  private(set) var narrow: [LinearMap] = []

  var all: [LinearMap] { wide + narrow }
  var inputs: Int { wide[0].inputs }
  var rows: Int { wide[0].rows }

  /// The launches for all gradients; nil where it takes more than one, or other kernels.
  static func all(_ maps: [LinearGradients], _ x: Tensor) -> JointMaps? {
    let (groups, others) = groups(
      maps.map { LinearMap(weight: $0.weight, output: $0.output) }, x)
    return groups.count == 1 && others.isEmpty ? groups[0] : nil
  }

  /// Maps as launches take them, and those that they do not take.
  static func groups(
    _ maps: [LinearMap], _ x: Tensor
  ) -> (joint: [JointMaps], others: [LinearMap]) {
    guard x.isAligned else { return ([], maps) }
    // All narrow ones beside wide ones where there are few, else those that cannot go as wide.
    let columns = maps.lazy.filter(\.isNarrow).reduce(0) { $0 + $1.columns }
    let areAll = columns <= narrowColumns && maps.contains { !$0.isNarrow && $0.fits }
    var (wide, narrow, others) = ([LinearMap](), [LinearMap](), [LinearMap]())
    var left = narrowColumns
    for map in maps {
      if !map.fits {
        others.append(map)
      } else if map.movesByFours && !(areAll && map.isNarrow) {
        wide.append(map)
      } else if map.columns <= left && narrow.count < most - 1 {
        narrow.append(map)
        left -= map.columns
      } else {
        others.append(map)
      }
    }
    guard !wide.isEmpty else { return ([], maps) }
    let first = JointMaps(wide: Array(wide.prefix(most - narrow.count)), narrow: narrow)
    let rest = wide.dropFirst(most - narrow.count)
    let further = stride(from: rest.startIndex, to: rest.endIndex, by: most).map {
      JointMaps(wide: Array(rest[$0..<min($0 + most, rest.endIndex)]))
    }
    return ([first] + further, others)
  }
}

/// The tiles of `linears.cu`, in its terms.
struct LinearTiles {
  enum Kind: Int {
    case inputGradient, weightGradient, normGradient
    /// Of maps of few columns each, in chunks half as deep.
    case shallowInputGradient
  }
  /// The widest tile.
  static let longestRow = 128
  static let depth = 32
  /// The most columns of the maps of a shallow gradient.
  static let shallowDepth = 16
  /// From so many rows on its tiles have 128, else 64: shorter ones are shared out more evenly.
  private static let manyShallowRows = 1 << 15
  /// Blocks that are on a multiprocessor at a time.
  static let blocks = 2

  let kind: Kind
  private let left: Int
  private let right: Int
  private let stages: Int
  private let isNarrow: Bool

  /// With as many stages as shared memory has room for.
  init(_ kind: Kind, _ maps: JointMaps, sharedLimit: Int) {
    let isSmall = maps.all.allSatisfy { $0.columns <= 64 }
    let (isWeight, isShallow) = (kind == .weightGradient, kind == .shallowInputGradient)
    let extent = maps.inputs <= 64 && (isSmall || !isWeight) ? 64 : 128
    // Few columns of weights would leave most of a wide tile empty.
    let right = isWeight && maps.wide.reduce(0) { $0 + $1.columns } <= 64 ? 64 : extent
    let isShort = isShallow && maps.rows < Self.manyShallowRows
    func tiles(_ stages: Int) -> LinearTiles {
      LinearTiles(
        kind: kind, left: isWeight ? extent : isShort ? 64 : 128, right: right, stages: stages,
        isNarrow: !maps.narrow.isEmpty)
    }
    self = tiles(3).sharedBytes <= sharedLimit ? tiles(3) : tiles(2)
  }

  private init(kind: Kind, left: Int, right: Int, stages: Int, isNarrow: Bool) {
    (self.kind, self.left, self.right) = (kind, left, right)
    (self.stages, self.isNarrow) = (stages, isNarrow)
  }

  var program: KernelProgram {
    KernelProgram(
      "linears",
      [
        "KIND": kind.rawValue, "LEFT": left, "RIGHT": right, "STAGES": stages,
        "NARROW": isNarrow ? 1 : 0,
      ])
  }

  /// Chunks of both factors, and what there is for narrow maps.
  var sharedBytes: Int {
    let depth = kind == .shallowInputGradient ? Self.shallowDepth : Self.depth
    let along = (left + right) * (depth + 4)
    let across = Self.depth * (left + right + 8)
    let panel = Self.depth * (JointMaps.narrowColumns + 4)
    let sources = 2 * JointMaps.narrowColumns * 16
    guard kind == .weightGradient else { return 4 * stages * along + (isNarrow ? sources : 0) }
    return 4 * stages * (across + (isNarrow ? panel : 0))
  }

  /// The tiles of all rows, or of the weights' gradients of so many parts of them.
  func items(_ maps: JointMaps, splits: Int) -> Int {
    guard kind == .weightGradient else {
      return quotient(maps.rows, roundedUpBy: left) * quotient(maps.inputs, roundedUpBy: right)
    }
    let columns = maps.wide.reduce(0) { $0 + $1.columns }
    return splits * quotient(maps.inputs, roundedUpBy: left)
      * quotient(columns, roundedUpBy: right)
  }
}
