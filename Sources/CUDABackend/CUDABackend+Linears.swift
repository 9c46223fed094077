package import Tensors

/// Maps that share their rows go through kernels of their own where these beat one product after
/// the other: the library's products read the rows once for each map, and spread gradients of small
/// weights over few blocks.
extension CUDABackend {
  package func linears(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor]) {
    let maps = zip(weights, outputs).map { LinearMap(weight: $0, output: $1) }
    guard maps.count > 1, let held = held(maps, x) else {
      return separateLinears(x, weights, into: outputs)
    }
    for part in held { launch(part, kind: .forward, x, accumulate: false) }
  }

  package func linearsInputGradient(
    _ gradients: [Tensor], _ weights: [Tensor], into dx: Tensor, accumulate: Bool
  ) {
    let maps = zip(weights, gradients).map { LinearMap(weight: $0, output: $1) }
    // Where all are wide, tiles of the products read less than rows that pass all weights at once:
    // 54 against 71 us for three maps of 128 by 128 over 65,536 rows on an H200.
    let isNarrow = maps.contains { $0.columns * 8 <= $0.inputs }
    if maps.count > 1, isNarrow, let held = held(maps, dx) {
      for (index, part) in held.enumerated() {
        launch(part, kind: .inputGradient, dx, accumulate: accumulate || index > 0)
      }
      return
    }
    let joint = maps.filter { LinearMap.fit([$0], dx) }
    guard joint.count > 1 else {
      return separateLinearsInputGradient(gradients, weights, into: dx, accumulate: accumulate)
    }
    inputGradient(joint, into: dx, accumulate: accumulate)
    let others = maps.filter { !LinearMap.fit([$0], dx) }
    separateLinearsInputGradient(
      others.map(\.output), others.map(\.weight), into: dx, accumulate: true)
  }

  private func inputGradient(_ maps: [LinearMap], into dx: Tensor, accumulate: Bool) {
    let (inputs, rows) = (maps[0].inputs, maps[0].rows)
    let tiles = LinearTiles(kind: .inputGradient, left: 128, right: inputs <= 64 ? 64 : 128)
    let items = tiles.parts(rows, tiles.left) * tiles.parts(inputs, tiles.right)
    for (index, maps) in LinearMap.groups(maps).enumerated() {
      launch(
        tiles, x: nil, out: dx, maps, rows: rows, inputs: inputs, items: items,
        accumulate: accumulate || index > 0)
    }
  }

  /// The maps in parts whose weights fit into shared memory; nil where they do not, or where there
  /// are too few rows to pay for bringing them there.
  private func held(_ maps: [LinearMap], _ x: Tensor) -> [HeldLinears]? {
    guard let rows = maps.first?.rows, rows >= 256 else { return nil }
    var (parts, rest) = ([HeldLinears](), maps[...])
    while !rest.isEmpty {
      let fitting = (1...min(HeldLinears.most, rest.count)).reversed().lazy.compactMap {
        HeldLinears(Array(rest.prefix($0)), x, sharedLimit: self.device.sharedBytesPerBlock)
      }.first
      guard let fitting else { return nil }
      parts.append(fitting)
      rest = rest.dropFirst(fitting.maps.count)
    }
    return parts
  }

  private func launch(_ part: HeldLinears, kind: HeldLinears.Kind, _ x: Tensor, accumulate: Bool) {
    let (maps, rows, inputs) = (part.maps, part.maps[0].rows, part.maps[0].inputs)
    announce(2 * Double(rows * inputs * maps.reduce(0) { $0 + $1.columns }))
    launch(
      part.program(kind), "held_linears",
      grid: LaunchGrid(
        min(quotient(rows, roundedUpBy: HeldLinears.rowsPerBlock), device.multiprocessors)),
      block: HeldLinears.threads, shared: part.sharedBytes,
      arguments: [x] + padded(maps.map(\.weight), to: HeldLinears.most, with: Tensor?.none)
        + padded(maps.map(\.output), to: HeldLinears.most, with: Tensor?.none)
        + padded(maps.map(\.columns), to: HeldLinears.most, with: 0)
        + [Int32(rows), Int32(inputs), accumulate])
  }

  package func linearsWeightGradients(_ x: Tensor, _ gradients: [WeightGradient]) {
    // The kernel's tiles are wide: narrow maps beside wide ones are left out.
    let most = gradients.map(\.weight.columns).max() ?? 0
    let isJoint = { (gradient: WeightGradient) in
      gradient.weight.columns * 8 > most
        && LinearMap.fit([LinearMap(weight: gradient.weight, output: gradient.output)], x)
    }
    let joint = gradients.filter(isJoint)
    for gradient in gradients where !isJoint(gradient) {
      if !narrowGradient(x, gradient) { separateLinearsWeightGradients(x, [gradient]) }
    }
    let maps = joint.map { LinearMap(weight: $0.weight, output: $0.output) }
    let groups = zip(LinearMap.groups(maps), LinearMap.groups(joint.map(\.accumulate)))
    for (maps, accumulate) in groups { weightGradients(x, maps, accumulate: accumulate) }
  }

  /// The gradient of a narrow map's weight; false where there is no kernel for it.
  private func narrowGradient(_ x: Tensor, _ gradient: WeightGradient) -> Bool {
    let (inputs, columns) = (gradient.weight.shape[0], gradient.weight.shape[1])
    let rows = inputs > 0 ? x.count / inputs : 0
    guard rows >= 256, inputs % 4 == 0, inputs <= 128, (1...16).contains(columns), x.isAligned
    else { return false }
    let lanes = powerOfTwo(atLeast: inputs / 4)
    let blocks = min(
      quotient(rows, roundedUpBy: RowThreads.blockSize / lanes), device.multiprocessors * 2)
    let partial = empty([blocks, inputs * columns])
    announce(2 * Double(rows * inputs * columns))
    launch(
      KernelProgram("narrow_gradient", ["COLUMNS": columns, "LANES": lanes]), "narrow_gradient",
      grid: LaunchGrid(blocks), block: RowThreads.blockSize, x, gradient.output, rows, inputs,
      partial)
    addParts(
      partial, splits: blocks,
      to: [PartSum(to: gradient.weight, accumulate: gradient.accumulate)])
    return true
  }

  /// The sum over the rows is split among blocks, and the parts are added in a fixed order.
  private func weightGradients(_ x: Tensor, _ maps: [LinearMap], accumulate: [Bool]) {
    let (inputs, rows) = (maps[0].inputs, maps[0].rows)
    let isSmall = maps.allSatisfy { max($0.inputs, $0.columns) <= 64 }
    let tiles = LinearTiles(
      kind: .weightGradient, left: isSmall ? 64 : 128, right: isSmall ? 64 : 128)
    let perSplit =
      tiles.parts(inputs, tiles.left)
      * maps.reduce(0) { $0 + tiles.parts($1.columns, tiles.right) }
    let wanted = max(1, device.multiprocessors * LinearTiles.blocks / perSplit)
    let split = tiles.parts(tiles.parts(rows, wanted), LinearTiles.depth) * LinearTiles.depth
    let splits = tiles.parts(rows, split)
    let sums = zip(maps, accumulate).map { PartSum(to: $0.weight, accumulate: $1) }
    let parts = empty([splits, sums.total])
    launch(
      tiles, x: x, out: parts, maps, rows: rows, inputs: inputs, items: perSplit * splits,
      split: split)
    addParts(parts, splits: splits, to: sums)
  }

  private func launch(
    _ tiles: LinearTiles, x: Tensor?, out: Tensor?, _ maps: [LinearMap], rows: Int, inputs: Int,
    items: Int, split: Int = 0, accumulate: Bool = false
  ) {
    announce(2 * Double(rows * inputs * maps.reduce(0) { $0 + $1.columns }))
    launch(
      tiles.program, "linears",
      grid: LaunchGrid(min(items, device.multiprocessors * LinearTiles.blocks)), block: 256,
      shared: tiles.sharedBytes,
      arguments: [x, out] + four(maps.map(\.weight), or: Tensor?.none)
        + four(maps.map(\.output), or: Tensor?.none) + four(maps.map(\.columns), or: 0)
        + [rows, inputs, items, split, accumulate])
  }

  private func four<Value: KernelArgument>(
    _ list: [Value], or last: any KernelArgument
  ) -> [any KernelArgument] {
    padded(list, to: LinearMap.most, with: last)
  }
}

/// One of several maps: its weight and output, or their gradients.
private struct LinearMap {
  /// As many as the kernels take at once.
  static let most = 4

  var weight: Tensor
  var output: Tensor

  var inputs: Int { weight.shape[0] }
  var columns: Int { weight.shape[1] }
  var rows: Int { columns > 0 ? output.count / columns : 0 }

  /// Whether the kernels take these maps: few columns, and 16 bytes at a time.
  static func fit(_ maps: [LinearMap], _ x: Tensor) -> Bool {
    func isAligned(_ tensor: Tensor) -> Bool { UInt(bitPattern: tensor.pointer) % 16 == 0 }
    return !maps.isEmpty && isAligned(x)
      && maps.allSatisfy {
        $0.rows > 0 && (1...256).contains($0.inputs) && $0.columns <= 256
          && $0.inputs % 4 == 0 && $0.columns % 4 == 0 && isAligned($0.weight)
          && isAligned($0.output)
      }
  }

  /// Parts of a list that the kernels take at once.
  static func groups<Element>(_ list: [Element]) -> [[Element]] {
    stride(from: 0, to: list.count, by: most).map { Array(list[$0..<min($0 + most, list.count)]) }
  }
}

/// Maps whose weights fit into shared memory together, in the terms of `held_linears.cu`.
private struct HeldLinears {
  enum Kind: Int { case forward, inputGradient }
  /// Maps that the kernel takes at once.
  static let most = 6
  static let threads = 512
  /// Of two groups of threads.
  static let rowsPerBlock = 64
  private static let mostInputs = 128
  private static let mostColumns = 512

  let maps: [LinearMap]
  /// Rounded up, as the kernel has them.
  private let inputs: Int
  private let columns: Int

  /// nil where the kernel does not take them.
  init?(_ maps: [LinearMap], _ x: Tensor, sharedLimit: Int) {
    self.maps = maps
    inputs = quotient(maps[0].inputs, roundedUpBy: 16) * 16
    columns = maps.reduce(0) { $0 + quotient($1.columns, roundedUpBy: 16) * 16 }
    guard maps[0].inputs % 4 == 0, (1...Self.mostInputs).contains(inputs),
      columns <= Self.mostColumns, maps.allSatisfy({ $0.columns > 0 && $0.rows < 1 << 28 }),
      ([x] + maps.flatMap { [$0.weight, $0.output] }).allSatisfy(\.isAligned),
      sharedBytes <= sharedLimit
    else { return nil }
  }

  func program(_ kind: Kind) -> KernelProgram {
    KernelProgram(
      "held_linears", ["KIND": kind.rawValue, "INPUTS": inputs, "COLUMNS": columns])
  }

  /// The weights and, for each group, two tiles of 32 rows, in halves; and a factor for each row.
  var sharedBytes: Int {
    let pitch = (columns / 8 | 1) * 8
    return 2 * (inputs * pitch + 2 * 2 * 32 * (Self.mostInputs + 8)) + 4 * 2 * 2 * 32
  }
}

/// The tiles of `linears.cu`, in its terms.
private struct LinearTiles {
  enum Kind: Int { case inputGradient, weightGradient }
  static let depth = 32
  /// Blocks that are on a multiprocessor at a time.
  static let blocks = 2

  var kind: Kind
  var left: Int
  var right: Int

  var program: KernelProgram {
    KernelProgram("linears", ["KIND": kind.rawValue, "LEFT": left, "RIGHT": right])
  }

  /// Two buffers of a chunk of both factors.
  var sharedBytes: Int {
    let across = { (extent: Int) in Self.depth * (extent + 4) }
    let floats =
      switch kind {
      case .inputGradient: (left + right) * (Self.depth + 4)
      case .weightGradient: across(left) + across(right)
      }
    return 2 * 4 * floats
  }

  func parts(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
}
