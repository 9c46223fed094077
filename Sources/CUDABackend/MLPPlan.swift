import Tensors

/// How a layer runs; sizes as in `mlp_parts.cuh`.
struct MLPPlan {
  /// Rows that a warp has.
  private static let slab = 16
  /// Slabs from which on large blocks, one for each multiprocessor, leave few multiprocessors
  /// without work: they bring the weights there once.
  private static let manySlabs = 12 * 66
  /// Slabs up to which the warps of a block share the hidden columns of two.
  private static let fewSlabs = 2 * 132
  /// Slabs of rows that pass a block at once.
  private static let slabsAtOnce = 4
  /// Hidden columns whose weights are in shared memory at once.
  private static let part = 64

  private let width: Int
  private let hidden: Int
  private let rows: Int
  /// Groups of four warps of a block that make products together; nil where single warps do.
  private let groups: Int?
  /// Blocks that share the hidden columns of the same rows.
  private let sharing: Int

  var isGrouped: Bool { groups != nil }

  /// nil where there are no kernels for these sizes.
  init?(_ layer: MLP, on device: CUDADevice) {
    (width, hidden, rows) = (layer.width, layer.hidden, layer.rows)
    let canGroup =
      device.hasGroups && layer.width == 128 && layer.hidden % 128 == 0
      && (128...2048).contains(layer.hidden)
    groups = canGroup ? Self.groups(layer.rows, multiprocessors: device.multiprocessors) : nil
    sharing =
      groups == 1
      ? Self.sharing(layer.rows, layer.hidden, multiprocessors: device.multiprocessors) : 1
    // The lanes that share a row of a norm are a power of two.
    guard layer.norm == nil || powerOfTwo(atLeast: width) == width, rows > 0, rows < 1 << 30,
      width % 16 == 0, (16...128).contains(width),
      hidden % Self.part == 0, hidden >= width, hidden < 1 << 16,
      max(forward.shared, inputs.shared, weights.shared) <= device.sharedBytesPerBlock
    else { return nil }
  }

  /// The number of groups with which all rows are done first.
  ///
  /// A multiprocessor has one block at a time, which brings the weights there and then has 64 rows
  /// for each group. The weights take about as long as the rows of one group.
  private static func groups(_ rows: Int, multiprocessors: Int) -> Int {
    let tiles = quotient(rows, roundedUpBy: 64)
    return (1...3).min {
      let times = [$0, $1].map {
        quotient(tiles, roundedUpBy: $0 * multiprocessors) * ($0 + 1)
      }
      return times[0] < times[1]
    } ?? 1
  }

  /// The most blocks of which each finds a multiprocessor while its parts of the weights are in its
  /// shared memory all at once.
  private static func sharing(_ rows: Int, _ hidden: Int, multiprocessors: Int) -> Int {
    let (tiles, parts) = (quotient(rows, roundedUpBy: 64), hidden / part)
    return [8, 4, 2].first {
      parts % $0 == 0 && parts / $0 <= stages(sharedBy: $0) && tiles * $0 <= multiprocessors
    } ?? 1
  }
  /// Parts of the weights in shared memory at once, where blocks share them.
  private static func stages(sharedBy blocks: Int) -> Int { max(2, 8 / blocks) }

  /// A kernel's program, threads and shared memory.
  struct Kernel {
    var program: KernelProgram
    var warps: Int
    /// Those of a block, or of those of a cluster; 0 where it goes through many.
    var slabs: Int
    var shared: Int
    /// Blocks that have the same slabs.
    var cluster = 1

    var threads: Int { 32 * warps }
  }

  var forward: Kernel { grouped("grouped_mlp", tensors: 1, stages: 5) ?? kernel("mlp") }
  var inputs: Kernel {
    grouped("grouped_mlp_inputs", tensors: 2, stages: 3) ?? kernel("mlp_inputs")
  }
  /// What makes halves of the weights.
  var halves: KernelProgram { KernelProgram("mlp_halves", ["WIDTH": width, "WARPS": 8]) }
  /// Two buffers for slabs of x and dy, with their exponents.
  var weights: Kernel {
    if groups != nil { return groupedWeights }
    let warps = hidden % 128 == 0 ? 8 : 4
    let numbers = 2 * 2 * Self.slabsAtOnce * Self.slab * (width + 8)
    return Kernel(
      program: KernelProgram("mlp_weights", ["WIDTH": width, "WARPS": warps]), warps: warps,
      slabs: 0,
      shared: 2 * numbers + 2 * 8 * Self.slabsAtOnce)
  }

  /// Four tiles of 64 rows of x and dy, two groups' weights, exponents, barriers and counters of the
  /// tiles, sums of each warp for 32 columns; and what it takes to start at a multiple of 1024.
  private var groupedWeights: Kernel {
    let (tile, stages, warps) = (2 * 2 * 64 * width, 4, 8)
    return Kernel(
      program: KernelProgram("grouped_mlp_weights", ["WIDTH": width, "WARPS": warps]),
      warps: warps, slabs: 0,
      shared: (stages + 2) * tile + stages * (4 * 8 + 8 + 4) + 16 + 4 * 32 * warps + 1024)
  }

  /// Tiles of 64 rows of each group, stages of both weights with their barriers, and the bias; and
  /// what it takes to start at a multiple of 1024.
  private func grouped(_ file: String, tensors: Int, stages: Int) -> Kernel? {
    guard let groups else { return nil }
    let tile = 2 * 64 * width
    let stages = sharing > 1 ? Self.stages(sharedBy: sharing) : stages
    return Kernel(
      program: KernelProgram(
        file, ["WIDTH": width, "WARPS": 4 * groups, "CLUSTER": sharing]),
      warps: 4 * groups, slabs: 4 * groups,
      shared: (tensors * groups + 2 * stages) * tile + 64 + 4 * hidden + 1024, cluster: sharing)
  }

  /// Two parts of the weights and the bias; where the second part will be, the rows of the block are
  /// at first.
  private func kernel(_ file: String) -> Kernel {
    let (warps, split) = slabs <= Self.fewSlabs ? (8, 4) : (slabs < Self.manySlabs ? 4 : 12, 1)
    let part = 2 * Self.part * (width + 8)
    let own = warps * Self.slab * (width + 8)
    return Kernel(
      program: KernelProgram(file, ["WIDTH": width, "WARPS": warps, "SPLIT": split]), warps: warps,
      slabs: warps / split, shared: 2 * (part + max(part, own)) + 4 * hidden)
  }

  /// Blocks of a kernel that have all hidden columns of their rows.
  func blocks(_ kernel: Kernel) -> LaunchGrid {
    LaunchGrid(quotient(slabs, roundedUpBy: kernel.slabs) * kernel.cluster)
  }

  /// As many as pass a block at once, or a multiple of it.
  var slabs: Int {
    quotient(rows, roundedUpBy: Self.slab * Self.slabsAtOnce) * Self.slabsAtOnce
  }
  /// The rows of x and dy as halves, in floats.
  var halvesCount: Int { slabs * Self.slab * width }
  /// Two for each slab.
  var exponentCount: Int { 2 * slabs }

  /// Blocks side by side, each with some hidden columns, and parts of the rows so that they fill the
  /// device; `split` is how often a part has `slabsAtOnce`.
  func weightBlocks(multiprocessors: Int) -> (across: Int, parts: Int, split: Int) {
    let across = hidden / (Self.slab * weights.warps)
    let turns = slabs / Self.slabsAtOnce
    let atATime = max(1, multiprocessors * (8 / weights.warps) / across)
    // What a part leaves costs as much as a few turns.
    let split = max(min(turns, 2), quotient(turns, roundedUpBy: atATime))
    return (across, quotient(turns, roundedUpBy: split), split)
  }
}
