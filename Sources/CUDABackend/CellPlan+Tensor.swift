import Tensors

/// Cells on tensor cores: a warp for every 16 units, with its part of R in registers.
extension CellPlan {
  /// Below, most of a product's rows would be empty; above, a block has too many threads.
  private static let dims = 16...256
  /// Steps from the fetch of a step's inputs to their use, and one.
  private static let depths = [8, 4, 2, 1]
  /// A multiprocessor has four files of registers, each for 512 numbers of 32 lanes; a lane may
  /// name 255 of them, in units of 8.
  private static let registers = (files: 4, lane: 512, most: 255, unit: 8)
  private static let mostBlocks = 16

  /// - Returns: nil where R does not fit a block's registers and shared memory.
  static func tensor(
    _ shape: CellShape, _ pass: Pass, multiprocessors: Int, sharedBytes: Int
  ) -> CellPlan? {
    guard dims.contains(shape.dim) else { return nil }
    let choices = [2, 4, 8].compactMap { sequences in
      tensor(shape, pass, sequences: sequences, sharedBytes: sharedBytes)
    }
    // The fewer sequences a block has, the shorter are its steps.
    return choices.first { plan, resident in
      plan.grid.x * plan.grid.y <= multiprocessors * resident
    }?.plan ?? choices.last?.plan
  }

  /// The plan for blocks of some sequences, and how many blocks a multiprocessor runs.
  private static func tensor(
    _ shape: CellShape, _ pass: Pass, sequences: Int, sharedBytes: Int
  ) -> (plan: CellPlan, resident: Int)? {
    let (gates, warps) = (shape.kind.gates, ceiling(shape.dim, 16))
    let (threads, fragments) = (32 * warps, warps * gates)
    let beside = registersBesideR(gates: gates, pass, warps: warps, sequences: sequences)
    let available = registers.lane / ceiling(warps, registers.files) / registers.unit
    let lane = min(registers.most, available * registers.unit)
    let held = min(fragments, max(0, lane - beside) / 4)
    let stored = fragments - held
    let values = pass == .forward ? gates : shape.kind.returnValues
    /// Bytes for what the warps exchange, for what is fetched ahead and for R.
    func shared(_ depth: Int) -> Int {
      vectorBytes(gates: gates, warps: warps, pass, sequences: sequences)
        + depth * values * sequences / 2 * threads * 4
        + stored * threads * 16
    }
    let used = min(registers.most, ceiling(4 * held + beside, registers.unit) * registers.unit)
    let resident = max(1, min(mostBlocks, registers.lane / used * registers.files / warps))
    let depth =
      depths.first { shared($0) * resident <= sharedBytes }
      ?? depths.first { shared($0) <= sharedBytes }
    guard let depth else { return nil }
    let blocks = min(resident, sharedBytes / shared(depth))
    let plan = CellPlan(
      name: pass == .forward ? "cell_tensor_forward" : "cell_tensor_backward",
      grid: LaunchGrid(ceiling(shape.batch, sequences), shape.heads), threads: threads,
      sharedBytes: shared(depth),
      constants: [
        "KIND": Int(shape.kind.rawValue), "DIM": shape.dim, "HEADS": shape.heads,
        "SEQUENCES": sequences, "THREADS": threads, "HELD": held, "STORED": stored,
        "DEPTH": depth, "RESIDENT": blocks,
      ], isTensor: true)
    return (plan, blocks)
  }

  /// Registers that a lane needs beside R, as the compiler was seen to use them.
  private static func registersBesideR(
    gates: Int, _ pass: Pass, warps: Int, sequences: Int
  ) -> Int {
    // Two warps have little to exchange.
    let isSmall = warps == 2 && sequences == 4
    return pass == .forward
      ? 60 + 10 * gates + (sequences == 8 ? 20 : isSmall ? -40 : 0)
      : 87 + 10 * gates + (sequences == 8 ? 30 : isSmall ? -40 : 0)
  }

  /// Bytes of the vectors that go from warp to warp, in two buffers, with the gradients' scales.
  private static func vectorBytes(gates: Int, warps: Int, _ pass: Pass, sequences: Int) -> Int {
    let tiles = pass == .forward ? warps : warps * gates
    let isPaired = pass == .forward ? warps % 2 == 0 : gates == 4
    let pitch = isPaired ? (tiles * 16 + 31) / 64 * 64 + 32 : (tiles * 16 + 47) / 64 * 64 + 16
    let scales = pass == .forward ? 0 : warps * sequences
    return 2 * (2 * sequences * pitch + 4 * scales)
  }
}
