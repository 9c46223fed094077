import Tensors

/// How a layer runs; sizes as in `mlp_parts.cuh`.
struct MLPPlan {
  /// Rows that a warp has.
  private static let slab = 16
  /// Slabs from which on blocks that have a multiprocessor for themselves leave few without work:
  /// they bring the weights there once.
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

  /// nil where there are no kernels for these sizes.
  init?(_ layer: MLP, sharedBytes limit: Int) {
    (width, hidden, rows) = (layer.width, layer.hidden, layer.rows)
    // The lanes that share a row of a norm are a power of two.
    guard layer.norm == nil || powerOfTwo(atLeast: width) == width, rows > 0, rows < 1 << 30,
      width % 16 == 0, (16...128).contains(width),
      hidden % Self.part == 0, hidden >= width, hidden < 1 << 16,
      max(forward.shared, inputs.shared, weights.shared) <= limit
    else { return nil }
  }

  /// A kernel's program, threads and shared memory.
  struct Kernel {
    var program: KernelProgram
    var warps: Int
    /// Those of a block; 0 where it goes through many.
    var slabs: Int
    var shared: Int

    var threads: Int { 32 * warps }
  }

  var forward: Kernel { kernel("mlp") }
  var inputs: Kernel { kernel("mlp_inputs") }
  /// Two buffers for slabs of x and dy, with their exponents.
  var weights: Kernel {
    let warps = hidden % 128 == 0 ? 8 : 4
    let numbers = 2 * 2 * Self.slabsAtOnce * Self.slab * (width + 8)
    return Kernel(
      program: KernelProgram("mlp_weights", ["WIDTH": width, "WARPS": warps]), warps: warps,
      slabs: 0,
      shared: 2 * numbers + 2 * 8 * Self.slabsAtOnce)
  }

  /// Two parts of the weights and the bias; where the second part will be, the rows of the block are
  /// at first.
  private func kernel(_ file: String) -> Kernel {
    let (warps, split) = slabs <= Self.fewSlabs ? (8, 4) : (slabs < Self.manySlabs ? 4 : 12, 1)
    let part = width * (Self.part + 8) + Self.part * (width + 8)
    let own = warps * Self.slab * (width + 8)
    return Kernel(
      program: KernelProgram(file, ["WIDTH": width, "WARPS": warps, "SPLIT": split]), warps: warps,
      slabs: warps / split, shared: 2 * (part + max(part, own)) + 4 * hidden)
  }

  /// Blocks of a kernel that have all hidden columns of their rows.
  func blocks(_ kernel: Kernel) -> LaunchGrid {
    LaunchGrid(quotient(slabs, roundedUpBy: kernel.slabs))
  }

  var slabs: Int { quotient(rows, roundedUpBy: Self.slab) }
  /// The rows of x and dy as halves, in floats.
  var halvesCount: Int { slabs * Self.slab * width }
  /// Two for each slab, of as many as are copied at once.
  var exponentCount: Int { 2 * quotient(slabs, roundedUpBy: Self.slabsAtOnce) * Self.slabsAtOnce }

  /// Blocks side by side, each with some hidden columns, and parts of the rows so that they fill the
  /// device; `split` is how often a part has `slabsAtOnce`.
  func weightBlocks(multiprocessors: Int) -> (across: Int, parts: Int, split: Int) {
    let across = hidden / (Self.slab * weights.warps)
    let turns = quotient(slabs, roundedUpBy: Self.slabsAtOnce)
    let atATime = max(1, multiprocessors * (8 / weights.warps) / across)
    // What a part leaves costs as much as a few turns.
    let split = max(min(turns, 2), quotient(turns, roundedUpBy: atATime))
    return (across, quotient(turns, roundedUpBy: split), split)
  }
}
