import Tensors

/// Linear maps whose weights fit into shared memory together: their rows pass once for all of them. For
/// one map alone, and for more inputs into wide ones, the library's products are as fast on an H200.
extension CUDABackend {
  /// Several maps; false where a product for each is as good.
  func linearOutputs(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor]) -> Bool {
    let maps = zip(weights, outputs).map { weight, output in
      LinearOutput(
        weight: weight, output: output, inputs: weight.shape[0], columns: weight.shape[1],
        rows: output.count / max(1, weight.shape[1]))
    }
    guard maps[0].rows >= 256, let passes = linearOutputPasses(maps, x) else { return false }
    for pass in passes { run(pass, x) }
    return true
  }

  /// Whether one pass leaves the results of maps as attention's factors, in panels of 64 columns.
  func takesLinearFactors(_ x: Tensor, _ weights: [Tensor]) -> Bool {
    let pass = factorPass(x, weights, into: nil)
    return x.isAligned && pass.maps[0].rows >= 256
      && pass.maps[0].rows % LinearOutputs.rowsOfWarp == 0
      && weights.allSatisfy { $0.columns % 64 == 0 } && pass.fits(device.sharedBytesPerBlock)
  }

  /// The results of several maps as halves, each as half as many floats.
  func linearFactors(_ x: Tensor, _ weights: [Tensor], into factors: [Tensor]) {
    run(factorPass(x, weights, into: factors), x)
  }

  private func factorPass(
    _ x: Tensor, _ weights: [Tensor], into factors: [Tensor]?
  ) -> LinearOutputs {
    let maps = weights.indices.map { index in
      LinearOutput(
        weight: weights[index], output: factors?[index] ?? x, inputs: weights[index].shape[0],
        columns: weights[index].shape[1], rows: x.rows)
    }
    return LinearOutputs(maps: maps, halves: LinearOutputs.factorScale)
  }

  /// The maps in parts whose weights fit into shared memory, the widest first; nil where they do not.
  private func linearOutputPasses(_ maps: [LinearOutput], _ x: Tensor) -> [LinearOutputs]? {
    guard x.isAligned else { return nil }
    var passes: [LinearOutputs] = []
    for map in maps.sorted(by: { $0.columns > $1.columns }) {
      let alone = LinearOutputs(maps: [map])
      guard alone.fits(device.sharedBytesPerBlock) else { return nil }
      let wider = passes.indices.first { index in
        LinearOutputs(maps: passes[index].maps + [map]).fits(device.sharedBytesPerBlock)
      }
      if let wider { passes[wider].maps.append(map) } else { passes.append(alone) }
    }
    return passes
  }

  private func run(_ pass: LinearOutputs, _ x: Tensor) {
    let (maps, rows, inputs) = (pass.maps, pass.maps[0].rows, pass.maps[0].inputs)
    let (blocks, warps) = pass.blocks(multiprocessors: device.multiprocessors)
    announce(2 * Double(rows * inputs * maps.reduce(0) { $0 + $1.columns }))
    launch(
      pass.program(warps: warps), "linear_outputs", grid: LaunchGrid(blocks), block: warps * 32,
      shared: pass.sharedBytes,
      arguments: [x] + padded(maps.map(\.weight), to: LinearOutputs.most, with: Tensor?.none)
        + padded(maps.map(\.output), to: LinearOutputs.most, with: Tensor?.none)
        + padded(maps.map(\.columns), to: LinearOutputs.most, with: 0)
        + [Int32(rows), Int32(inputs)])
  }
}

/// One of several maps of the same rows.
private struct LinearOutput {
  var weight: Tensor
  var output: Tensor
  var inputs: Int
  var columns: Int
  var rows: Int
}

/// Maps that one launch computes, in the terms of `linear_outputs.cu`.
private struct LinearOutputs {
  /// Maps that the kernel takes at once.
  static let most = 6
  static let rowsOfWarp = 16
  /// Of factors, as `attention_factors.cuh` has it.
  static let factorScale = 16

  var maps: [LinearOutput]
  /// What results are multiplied by and left as halves; 0 for floats.
  var halves = 0

  /// Rounded up, as the kernel has them.
  private var inputs: Int { quotient(maps[0].inputs, roundedUpBy: 16) * 16 }
  private var columns: Int {
    maps.reduce(0) { $0 + quotient($1.columns, roundedUpBy: 16) * 16 }
  }
  private var isAligned: Bool { maps.allSatisfy { $0.columns % 4 == 0 } }
  /// As many as the registers allow, which hold two rows of a lane's.
  private var mostWarps: Int { inputs > 128 ? 8 : 16 }
  /// Columns of all maps that take more inputs than 128.
  private static let narrowColumns = 64

  /// A block for each multiprocessor, with as many warps as the registers allow.
  ///
  /// Of few rows fewer warps, all of which have some: idle ones would keep other work from the
  /// multiprocessors. But many weights are brought by all warps.
  func blocks(multiprocessors: Int) -> (count: Int, warps: Int) {
    let shares = ceiling(maps[0].rows, Self.rowsOfWarp)
    let busy = [4, 8].first { $0 < mostWarps && $0 * multiprocessors >= shares } ?? mostWarps
    let count = min(ceiling(shares, busy < mostWarps ? busy : 1), multiprocessors)
    return (count, inputs * columns > 64 * 256 ? mostWarps : busy)
  }

  /// Whether the kernel takes them.
  func fits(_ sharedLimit: Int) -> Bool {
    let own = maps[0].inputs
    return maps.count <= Self.most && own % 4 == 0
      && (1...(columns <= Self.narrowColumns ? 256 : 128)).contains(own)
      && sharedBytes <= sharedLimit
      && maps.allSatisfy {
        (1..<1 << 20).contains($0.rows) && $0.columns <= 1024
          && ($0.columns % 4 > 0 || $0.weight.isAligned && $0.output.isAligned)
      }
  }

  func program(warps: Int) -> KernelProgram {
    KernelProgram(
      "linear_outputs",
      [
        "INPUTS": inputs, "COLUMNS": columns, "WARPS": warps, "ALIGNED": isAligned ? 1 : 0,
        "HALVES": halves,
      ])
  }

  /// The weights in halves, and a target for each 16 columns.
  var sharedBytes: Int { 2 * inputs * (columns / 8 | 1) * 8 + columns }
}
