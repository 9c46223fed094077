import Tensors

/// How a scan runs in chunks of tokens with factors of 16 bits, a block for each head;
/// `scan_halves.cuh` says what the constants mean.
struct HalfScanPlan {
  let shape: ScanShape
  /// Tokens of a chunk.
  let tokens: Int
  /// Whether there is one chunk, and no state before it or after it: then there is room for more
  /// blocks.
  private var isAlone = false
  /// Whether keys are weighed and the answers get a divisor.
  private let isNormalised: Bool
  private let keys: Int
  private let values: Int
  private let warps: Int
  private let sharedLimit: Int

  /// Nil where these kernels have not the options or sizes, or do not pay: a chunk takes the same
  /// time for few tokens as for many, and what it saves grows with the state.
  ///
  /// - Parameters:
  ///   - shape: The scan.
  ///   - sharedBytes: What a block may share.
  ///   - hasState: Whether a state comes in or goes out.
  ///   - isNormalised: Whether keys are weighed and the answers get a divisor.
  init?(
    _ shape: ScanShape, sharedBytes: Int, hasState: Bool = true, isNormalised: Bool = false
  ) {
    let options = shape.decay != .vector && shape.update != .rankOne && !shape.exclusive
    let state = shape.keyDim * shape.valueDim
    let least = state >= 4096 ? 3 : state >= 1024 ? 6 : 12
    guard options, shape.length >= least, shape.keyDim % 4 == 0, shape.valueDim % 8 == 0,
      let keys = Self.filled(shape.keyDim), let values = Self.filled(shape.valueDim)
    else { return nil }
    self.shape = shape
    (self.keys, self.values) = (keys, values)
    tokens = shape.length <= 16 ? 16 : 32
    // The products of a chunk have tiles for two warps only.
    let isSmall = tokens == 16 && keys * values <= 32 * 32 && !isNormalised
    warps = isSmall ? 2 : keys * values > 64 * 64 ? 8 : 4
    self.isNormalised = isNormalised
    sharedLimit = sharedBytes
    // What the forward pass keeps is laid out for these kernels or for others, before anyone knows
    // whether there is a state: it does not decide between them.
    guard isNormalised || fits else { return nil }
    isAlone = !hasState && shape.length <= tokens
    guard fits else { return nil }
  }

  private var fits: Bool { max(forwardFloats, backwardFloats) * 4 <= sharedLimit }

  var threads: Int { 32 * warps }
  var grid: LaunchGrid { LaunchGrid(shape.batch * shape.heads) }

  func name(_ pass: ScanPlan.Pass) -> String {
    pass == .forward ? "scan_halves_forward" : "scan_halves_backward"
  }

  func program(_ pass: ScanPlan.Pass, aligned: Bool) -> KernelProgram {
    KernelProgram(
      name(pass),
      [
        "KEY_DIM": shape.keyDim, "VALUE_DIM": shape.valueDim, "DECAY": Int(shape.decay.rawValue),
        "UPDATE": Int(shape.update.rawValue), "TOKENS": tokens, "WARPS": warps,
        "RESIDENT": resident(pass), "WIDE": aligned ? 1 : 0, "ALONE": isAlone ? 1 : 0,
        "NORMALISED": isNormalised ? 1 : 0, "LOGITS": shape.logits,
      ])
  }

  /// Blocks of a multiprocessor: as many as there is shared memory for, and registers without which
  /// the compiler would put more than a few numbers in memory.
  private func resident(_ pass: ScanPlan.Pass) -> Int {
    let floats = pass == .forward ? forwardFloats : backwardFloats
    let most = 65536 / (registers(pass) * threads)
    return max(1, min(most, (sharedLimit + 1024) / (floats * 4 + 1024)))
  }

  /// The registers of a thread.
  ///
  /// With 128 keys and values those of the state alone are 64.
  private func registers(_ pass: ScanPlan.Pass) -> Int {
    switch keys * values {
    case ..<2048 where isAlone: pass == .forward ? 64 : 80
    case ...4096 where isAlone: pass == .forward ? 80 : 96
    case ..<2048: 96
    case ..<4096: pass == .forward ? 96 : 128
    default: 128
    }
  }

  /// Columns as tiles divide them evenly; nil where there are too many or too few.
  private static func filled(_ dim: Int) -> Int? {
    dim < 8 ? nil : [16, 32, 64, 128].first { dim <= $0 }
  }

  /// Shared memory of the passes: the sizes of `Frame` in their files.
  var forwardFloats: Int {
    let rows = tokens * (2 * keys + values + 24) / 2
    let written = isDelta ? tokens * (values + 4) + pairs + tokens : 0
    let sums = isNormalised ? keys + tokens / 16 * tokens : 0
    return state + rows + halfPairs + products + written + 4 * warps + sums
  }
  var backwardFloats: Int {
    let rows = tokens * (keys + values + 16)
    let written = isDelta ? tokens * (values + 4) + tokens * (values + 8) / 2 + pairs : 0
    let decays =
      shape.decay == .none
      ? 0 : (joinsParts ? 0 : pairs) + 2 * parts(keys) * tokens + tokens / 16 * tokens + warps
    let beta = isDelta ? tokens + parts(values) * tokens + tokens / 16 * tokens : 0
    let sums = isNormalised ? 2 * keys + tokens + parts(keys) * tokens : 0
    return state + max(state, written) + rows + 2 * halfPairs + products + decays + beta
      + 5 * warps + sums
  }

  /// The copy of a state.
  private var state: Int { isAlone ? 0 : keys * (values + 8) / 2 }

  /// As `joins_parts` in `scan_halves_gradients.cuh`.
  private var joinsParts: Bool {
    isDelta && 2 * (tokens / 16) * (tokens / 16) > warps && values >= tokens
  }
  private var isDelta: Bool { shape.update == .delta }
  private var pairs: Int { tokens * (tokens + 4) }
  private var halfPairs: Int { tokens * (tokens + 8) / 2 }
  private var products: Int { shape.decay == .none ? 0 : pairs + 2 * tokens }

  /// The tiles across a product of a chunk's tokens with `columns`.
  private func parts(_ columns: Int) -> Int {
    let units = tokens / 16 * (columns / 16)
    return columns / 16 / max(1, units / warps)
  }
}
