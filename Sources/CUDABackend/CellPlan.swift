package import Tensors

/// How one pass of a recurrent cell is cut into blocks, and where its blocks keep R; `cell.cu` and
/// `cell_tensor.cuh` say what the constants mean.
package struct CellPlan {
  package enum Pass { case forward, backward }

  /// The file of kernels and its kernel.
  package let name: String
  let grid: LaunchGrid
  package let threads: Int
  package let sharedBytes: Int
  let constants: KeyValuePairs<String, Int>
  /// Whether the products are those of tensor cores.
  package let isTensor: Bool

  /// - Parameters:
  ///   - shape: The cell.
  ///   - pass: Forward or backward.
  ///   - multiprocessors: Those of the device.
  ///   - sharedBytes: What a block may share.
  package init(_ shape: CellShape, _ pass: Pass, multiprocessors: Int, sharedBytes: Int) {
    let tensor = Self.tensor(
      shape, pass, multiprocessors: multiprocessors, sharedBytes: sharedBytes)
    self =
      tensor
      ?? .plain(shape, pass, multiprocessors: multiprocessors, sharedBytes: sharedBytes)
  }

  init(
    name: String, grid: LaunchGrid, threads: Int, sharedBytes: Int,
    constants: KeyValuePairs<String, Int>, isTensor: Bool
  ) {
    self.name = name
    self.grid = grid
    self.threads = threads
    self.sharedBytes = sharedBytes
    self.constants = constants
    self.isTensor = isTensor
  }

  /// The blocks of all sequences, and those of all heads.
  package var blocks: (sequences: Int, heads: Int) { (grid.x, grid.y) }

  package var program: KernelProgram { KernelProgram(name, constants) }
}

extension CellPlan {
  /// Registers of a thread that may hold R, and the most threads of a block, which leaves room for
  /// them.
  private static let mostHeld = 64
  private static let mostThreads = 512
  /// Steps from the fetch of a step's inputs to their use, and one; fewer where they need too much
  /// memory.
  private static let depths = [4, 2, 1]

  /// The plan for 32-bit products: forward, four lanes share a unit; backward, eight share two.
  private static func plain(
    _ shape: CellShape, _ pass: Pass, multiprocessors: Int, sharedBytes: Int
  ) -> CellPlan {
    let (dim, gates) = (shape.dim, shape.kind.gates)
    let threads = min(mostThreads, ceiling(4 * dim, 32) * 32)
    let rounds = ceiling(4 * dim, threads)
    let (lanes, units) = pass == .forward ? (4, 1) : (8, 2)
    let padded = ceiling(dim, 4 * lanes) * 4 * lanes
    let weights = rounds * units * gates * 4
    let values = rounds * (pass == .forward ? gates : shape.kind.returnValues)
    /// Shared memory for states or gates' gradients, and for what is fetched ahead.
    func fixed(_ sequences: Int, _ depth: Int) -> Int {
      let vectors = pass == .forward ? 1 : gates
      let cells = max(1, units * sequences / lanes)
      return 2 * sequences * vectors * padded + depth * values * cells * threads
    }
    let wanted = sequences(shape, threads: threads, multiprocessors: multiprocessors)
    let choices = [8, 4, 2, 1].filter { $0 <= wanted }.flatMap { sequences in
      depths.map { (sequences, $0) }
    }
    let (sequences, depth) = choices.first { fixed($0, $1) * 4 <= sharedBytes } ?? (1, 1)
    let quads = padded / (4 * lanes)
    let held = min(quads, mostHeld / weights)
    let room = max(0, sharedBytes / 4 - fixed(sequences, depth))
    let stored = min(quads - held, room / (weights * threads))
    return CellPlan(
      name: pass == .forward ? "cell_forward" : "cell_backward",
      grid: LaunchGrid(ceiling(shape.batch, sequences), shape.heads), threads: threads,
      sharedBytes: 4 * (fixed(sequences, depth) + stored * weights * threads),
      constants: [
        "KIND": Int(shape.kind.rawValue), "DIM": dim, "SEQUENCES": sequences,
        "THREADS": threads, "HELD": held, "STORED": stored, "DEPTH": depth,
      ], isTensor: false)
  }

  /// As few sequences of a block as let all blocks run at once: the steps are then shortest.
  private static func sequences(
    _ shape: CellShape, threads: Int, multiprocessors: Int
  ) -> Int {
    let blocks = multiprocessors * min(8, mostThreads / threads)
    return [1, 2, 4].first { shape.heads * ceiling(shape.batch, $0) <= blocks } ?? 8
  }
}
