package import Tensors

/// The gradients of linear maps from one pass over the rows, where that beats a product for each: there
/// narrow maps and biases cost nothing more, but wide maps are bounded by shared memory.
extension CUDABackend {
  package func linearGradients(
    _ x: Tensor, _ maps: [LinearGradients], into dx: GradientTarget?
  ) {
    guard let passes = LinearPass.passes(maps, x, dx, limit: device.sharedBytesPerBlock) else {
      return separateLinearGradients(x, maps, into: dx)
    }
    for (index, pass) in passes.enumerated() {
      run(pass, x, dx: dx?.tensor, accumulate: index > 0 || dx?.accumulate ?? false)
    }
  }

  private func run(_ pass: LinearPass, _ x: Tensor, dx: Tensor?, accumulate: Bool) {
    let sums = pass.sums
    let splits = pass.splits(multiprocessors: device.multiprocessors, total: sums.total)
    let parts = empty([splits, sums.total])
    announce(Double(dx == nil ? 2 : 4) * Double(pass.rows * pass.inputs * pass.columns))
    let maps = pass.maps
    launch(
      pass.program, "linear_gradients", grid: LaunchGrid(splits * pass.slices),
      block: LinearPass.threads, shared: pass.sharedBytes,
      arguments: [x, dx, parts]
        + padded(maps.map(\.weight), to: LinearPass.most, with: Tensor?.none)
        + padded(maps.map(\.output), to: LinearPass.most, with: Tensor?.none)
        + padded(maps.map(\.columns), to: LinearPass.most, with: 0)
        + [Int32(pass.rows), Int32(pass.inputs), Int32(pass.slices), accumulate])
    addParts(parts, splits: splits, to: sums)
  }
}

extension LinearGradients {
  var columns: Int { weight.shape[1] }
}

/// Maps whose gradients one launch makes, in the terms of `linear_gradients.cu`.
struct LinearPass {
  /// Maps that the kernel takes at once.
  static let most = 6
  static let threads = 512
  static let rowsAtOnce = 64
  /// Of a part, for which a block has one more set of sums in registers.
  private static let depth = 128

  let maps: [LinearGradients]
  let inputs: Int
  let rows: Int

  /// The launches for all maps; nil where the kernel does not take them, or where other kernels are as
  /// good.
  static func passes(
    _ maps: [LinearGradients], _ x: Tensor, _ dx: GradientTarget?, limit: Int
  ) -> [LinearPass]? {
    guard let inputs = maps.first?.weight.shape[0], inputs > 0, inputs % 4 == 0, inputs <= 128,
      256..<1 << 24 ~= x.count / inputs,
      ([x, dx?.tensor].compactMap { $0 }).allSatisfy(\.isAligned),
      maps.allSatisfy({ $0.columns > 0 && $0.dWeight != nil && $0.output.isAligned }),
      Set(maps.map { $0.dBias == nil }).count == 1,
      isSmall(rows: x.count / inputs, inputs: inputs) || isBetter(maps, x)
    else { return nil }
    var (passes, rest) = ([LinearPass](), maps[...])
    while !rest.isEmpty {
      let fitting = (1...min(most, rest.count)).reversed().lazy.map {
        LinearPass(maps: Array(rest.prefix($0)), inputs: inputs, rows: x.count / inputs)
      }.first { $0.fits(limit) }
      guard let fitting else { return nil }
      passes.append(fitting)
      rest = rest.dropFirst(fitting.maps.count)
    }
    return passes
  }

  /// Whether maps fill a GPU for no longer than kernels take to start, so that one kernel is better than
  /// two or more, whatever the maps.
  private static func isSmall(rows: Int, inputs: Int) -> Bool { rows <= 8192 && inputs <= 64 }

  /// Whether one pass beats the kernels for each product.
  ///
  /// On an H200, with 65,536 rows and the sums of parts: 55 against 76 µs for 128 by 128 with a bias; but as
  /// much for 128 by 128 without a bias, and more for three of these. Narrow maps, which the library is
  /// slow with, go here where the kernels for wide ones do not take them too.
  static func isBetter(_ maps: [LinearGradients], _ x: Tensor) -> Bool {
    let inputs = maps[0].weight.shape[0]
    guard maps.count == 1 else {
      return maps.contains { $0.columns * 8 <= inputs }
        && (maps[0].dBias != nil || JointMaps.all(maps, x) == nil)
    }
    return maps[0].dBias != nil && maps[0].columns <= (inputs <= 64 ? 256 : 128)
  }

  private func fits(_ limit: Int) -> Bool {
    allColumns <= 512 && sharedBytes <= limit
      && sums.count <= [PartSum].most
      && maps.allSatisfy { $0.weight.isAligned || $0.columns % 4 > 0 }
  }

  var columns: Int { maps.reduce(0) { $0 + $1.columns } }
  /// With each map's rounded up, as the kernel has them.
  private var allColumns: Int { maps.reduce(0) { $0 + quotient($1.columns, roundedUpBy: 16) * 16 } }
  private var isBiased: Bool { maps[0].dBias != nil }
  /// The inputs of a block: as many as the registers hold the sums for.
  private var slice: Int { inputs > 64 && allColumns <= Self.depth ? 128 : 64 }
  var slices: Int { quotient(inputs, roundedUpBy: slice) }

  /// Blocks that share the rows: of small maps so few that other work finds multiprocessors, and that
  /// their parts may wait for a kernel that adds up those of others too; each has up to four steps.
  func splits(multiprocessors: Int, total: Int) -> Int {
    let steps = ceiling(rows, Self.rowsAtOnce)
    let most = max(1, min(multiprocessors / slices, steps))
    guard Self.isSmall(rows: rows, inputs: inputs) else { return most }
    let stepsOfBlock = ceiling(steps, max(1, min(most, 32, LateSum.longest / total)))
    return stepsOfBlock <= 4 ? ceiling(steps, stepsOfBlock) : most
  }

  var program: KernelProgram {
    KernelProgram(
      "linear_gradients",
      [
        "SLICE": slice, "COLUMNS": allColumns, "BIASED": isBiased ? 1 : 0,
        "ALIGNED": maps.allSatisfy { $0.columns % 4 == 0 } ? 1 : 0,
      ])
  }

  /// Where the weights' gradients go and then the biases', in the order of the kernel's results.
  var sums: [PartSum] {
    (maps.map(\.dWeight) + maps.map(\.dBias)).compactMap { target in
      target.map { PartSum(to: $0.tensor, accumulate: $0.accumulate) }
    }
  }

  /// The size of the kernel's `Shared`.
  var sharedBytes: Int {
    let parts = quotient(allColumns, roundedUpBy: Self.depth)
    let rows = Self.rowsAtOnce
    let halves =
      slice * (allColumns / 8 | 1) * 8 + 2 * rows * (Self.depth + 8 + slice + 8)
      + 16 * rows
    let vectors =
      rows * slice / 4 + (slice == 64 ? 2 * Self.threads : 1)
      + (isBiased ? parts * Self.threads : 1) + parts * 32
    return 2 * halves + 16 * vectors + 4 * 6 * rows
  }
}
