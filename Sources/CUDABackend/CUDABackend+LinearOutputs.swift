import Tensors

/// Linear maps whose weights fit into shared memory together: their rows pass once for all of them. For
/// one map alone, and for more inputs, the library's products are as fast on an H200.
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

  var maps: [LinearOutput]

  /// Rounded up, as the kernel has them.
  private var inputs: Int { quotient(maps[0].inputs, roundedUpBy: 16) * 16 }
  private var columns: Int {
    maps.reduce(0) { $0 + quotient($1.columns, roundedUpBy: 16) * 16 }
  }
  private var isAligned: Bool { maps.allSatisfy { $0.columns % 4 == 0 } }
  private static let mostWarps = 16

  /// A block for each multiprocessor, with as many warps as the registers allow; of few rows fewer
  /// warps, all of which have some: idle ones would keep other work from the multiprocessors.
  func blocks(multiprocessors: Int) -> (count: Int, warps: Int) {
    let shares = ceiling(maps[0].rows, Self.rowsOfWarp)
    let warps = [4, 8].first { $0 * multiprocessors >= shares } ?? Self.mostWarps
    return (min(ceiling(shares, warps < Self.mostWarps ? warps : 1), multiprocessors), warps)
  }

  /// Whether the kernel takes them.
  func fits(_ sharedLimit: Int) -> Bool {
    let own = maps[0].inputs
    return maps.count <= Self.most && own % 4 == 0 && (1...128).contains(own)
      && sharedBytes <= sharedLimit
      && maps.allSatisfy {
        (1..<1 << 20).contains($0.rows) && $0.columns <= 1024
          && ($0.columns % 4 > 0 || $0.weight.isAligned && $0.output.isAligned)
      }
  }

  func program(warps: Int) -> KernelProgram {
    KernelProgram(
      "linear_outputs",
      ["INPUTS": inputs, "COLUMNS": columns, "WARPS": warps, "ALIGNED": isAligned ? 1 : 0])
  }

  /// The weights in halves, and a target for each 16 columns.
  var sharedBytes: Int { 2 * inputs * (columns / 8 | 1) * 8 + columns }
}
