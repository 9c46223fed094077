package import Tensors

/// All gradients of linear maps of a norm's result, and of the norm, in one pass over the rows.
///
/// Two kernels, one for the rows' gradient and one for the weights', both read all the maps' gradients:
/// at 65,536 rows of 128 and three maps, 308 MB where this one needs 170.
extension CUDABackend {
  package func fusesWeights(of rows: Tensor, before maps: [LinearGradients]) -> Bool {
    JointPass.passes(rows, maps, on: device) != nil
  }

  /// One after the other: what goes back through the norm is linear in the maps' gradients.
  func run(
    _ passes: [JointPass], _ norm: NormedRows, dx: GradientTarget, dweight: Tensor?, dbias: Tensor?
  ) {
    for (index, pass) in passes.enumerated() {
      let target = GradientTarget(tensor: dx.tensor, accumulate: dx.accumulate || index > 0)
      run(pass, norm, dx: target, dweight: dweight, dbias: dbias)
    }
  }

  private func run(
    _ pass: JointPass, _ norm: NormedRows, dx: GradientTarget, dweight: Tensor?, dbias: Tensor?
  ) {
    let targets = pass.targets
    let clusters = pass.clusters(multiprocessors: device.multiprocessors)
    let parts = empty([clusters, targets.total])
    let sums = (dweight?.count ?? 0) + (dbias?.count ?? 0)
    let partial = sums > 0 ? empty([JointPass.blocks * clusters, sums]) : nil
    announce(4 * Double(pass.rows * JointPass.inputs * pass.columns))
    let maps = pass.maps
    launch(
      pass.program, "joint_gradients", grid: LaunchGrid(JointPass.blocks * clusters),
      block: JointPass.threads, shared: pass.sharedBytes,
      arguments: [
        norm.x, norm.weight, norm.bias, norm.mean, norm.scale, dx.tensor, parts, partial,
      ]
        + padded(maps.map(\.weight), to: JointMaps.most, with: Tensor?.none)
        + padded(maps.map(\.output), to: JointMaps.most, with: Tensor?.none)
        + padded(maps.map { $0.columns }, to: JointMaps.most, with: 0)
        + [Int32(pass.rows), dx.accumulate, dweight != nil, dbias != nil])
    addParts(parts, splits: clusters, to: targets)
    if let partial {
      addPartials(partial, strips: JointPass.blocks * clusters, to: dweight, and: dbias)
    }
  }
}

/// Maps whose gradients `joint_gradients.cu` makes, in its terms.
struct JointPass {
  static let inputs = 128
  static let threads = 512
  /// Blocks of a cluster, which share the columns.
  static let blocks = 2
  private static let panel = 64
  private static let rowsAtOnce = 64
  /// Of a block: more do not fit into shared memory.
  private static let mostPanels = 3
  /// Of a block, among its columns of narrow maps.
  private static let narrowColumns = JointMaps.narrowColumns / blocks
  /// Below that, there are too few tiles.
  private static let leastRows = 128

  private let wide: [LinearGradients]
  private let narrow: [LinearGradients]
  let rows: Int

  /// nil where the kernel does not take the maps of a norm of `x`.
  init?(_ x: Tensor, _ maps: [LinearGradients], on device: CUDADevice) {
    wide = maps.filter { $0.columns > JointMaps.narrowColumns }
    narrow = maps.filter { $0.columns <= JointMaps.narrowColumns }
    rows = x.count / Self.inputs
    let isOfPanels = wide.allSatisfy {
      $0.columns % Self.panel == 0 && $0.weight.isAligned && $0.output.isAligned
    }
    guard device.hasGroups, x.shape.last == Self.inputs, x.isAligned, isOfPanels,
      maps.allSatisfy({ $0.dBias == nil }),
      narrow.reduce(0, { $0 + $1.columns }) <= JointMaps.narrowColumns,
      Self.leastRows..<1 << 22 ~= rows, 1...JointMaps.most ~= maps.count,
      wideColumns % (Self.blocks * Self.panel) == 0, 1...Self.mostPanels ~= panels,
      device.multiprocessors >= Self.blocks, sharedBytes <= device.sharedBytesPerBlock
    else { return nil }
  }

  /// The maps of a norm of `x` in one pass, or in two where that is too many columns; nil where the
  /// kernel does not take them.
  static func passes(
    _ x: Tensor, _ maps: [LinearGradients], on device: CUDADevice
  ) -> [JointPass]? {
    if let whole = JointPass(x, maps, on: device) { return [whole] }
    for count in stride(from: maps.count - 1, to: 0, by: -1) {
      guard let first = JointPass(x, Array(maps.prefix(count)), on: device),
        let second = JointPass(x, Array(maps.dropFirst(count)), on: device)
      else { continue }
      return [first, second]
    }
    return nil
  }

  /// nil where the gradients do not all go that way.
  static func passes(
    _ norm: NormedRows, _ maps: [LinearGradients], _ dx: GradientTarget, on device: CUDADevice
  ) -> [JointPass]? {
    guard dx.tensor.isAligned, maps.allSatisfy({ $0.dWeight != nil }) else { return nil }
    return passes(norm.x, maps, on: device)
  }

  /// In the order of the kernel's results.
  var maps: [LinearGradients] { wide + narrow }
  var columns: Int { maps.reduce(0) { $0 + $1.columns } }
  private var wideColumns: Int { wide.reduce(0) { $0 + $1.columns } }
  /// Of a block.
  private var panels: Int { wideColumns / (Self.blocks * Self.panel) }

  /// As many as there are tiles for, and multiprocessors.
  func clusters(multiprocessors: Int) -> Int {
    min(multiprocessors / Self.blocks, quotient(rows, roundedUpBy: Self.rowsAtOnce))
  }

  var targets: [PartSum] {
    maps.compactMap(\.dWeight).map { PartSum(to: $0.tensor, accumulate: $0.accumulate) }
  }

  var program: KernelProgram {
    KernelProgram("joint_gradients", ["PANELS": panels, "NARROW": narrow.isEmpty ? 0 : 1])
  }

  /// The size of the kernel's `Shared`, which begins at a multiple of 1 KiB.
  var sharedBytes: Int {
    let (rows, inputs) = (Self.rowsAtOnce, Self.inputs)
    let halves = panels * Self.panel * (inputs + rows) + inputs * rows
    let floats = rows * (inputs + 8) + rows * (panels * Self.panel + inputs)
    // Of rows: scale, mean, the scale again of half of them, two exponents; of columns, the norm's two.
    let vectors = 4 * rows + rows / 2 + 2 * inputs
    let sources = 16 * panels
    // A panel, a number for each thread, and sources.
    let extra =
      narrow.isEmpty ? 4 * 16 : 2 * rows * Self.panel + 4 * Self.threads + 16 * Self.narrowColumns
    return 1024 + 2 * halves + 4 * (floats + vectors) + sources + extra
  }
}
